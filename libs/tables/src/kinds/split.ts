/** Which clip plays which role in which fold. */
import { type ArtifactKind, DataError, type OpenOptions, type Role, type RoleSource } from '@prosodia/core';
import { TableReader } from '../reader.ts';
import type { TableWriter } from '../writer.ts';
import { column, requireKind, tableKind } from './table-kind.ts';

export interface SplitRow {
  clip_id: string;
  fold: number;
  role: Role;
}

const base = tableKind<SplitRow>('split', 'The role of each clip in each fold.', [
  column('clip_id', 'utf8', 'as in the clips table'),
  column('fold', 'int32', '0 for a holdout; 0 to k-1 for k folds'),
  column('role', 'utf8', 'train, validation or test'),
]);

/** A split, read whole: it has one short row per clip and fold. */
export class SplitReader implements RoleSource {
  readonly table: TableReader<SplitRow>;
  readonly where: string;

  constructor(table: TableReader<SplitRow>) {
    this.table = table;
    this.where = table.where;
  }

  async roles(fold: number): Promise<ReadonlyMap<string, Role>> {
    const roles = new Map<string, Role>();
    const folds = new Set<number>();
    for (const row of await this.table.all()) {
      folds.add(row.fold);
      if (row.fold === fold) roles.set(row.clip_id, row.role);
    }
    if (roles.size === 0 && (folds.size > 0 || fold !== 0)) {
      throw new DataError({
        problem: `the split has no fold ${fold}`,
        expected: `one of: ${[...folds].sort((a, b) => a - b).join(', ')}`,
        where: this.where,
      });
    }
    return roles;
  }
}

export const SplitTable: ArtifactKind<SplitReader, TableWriter<SplitRow>> = {
  ...base,
  async open(folder: string, options: OpenOptions) {
    // Roles are no labels: a stage that fits may know which rows exist, so the view does not apply here.
    const table = await TableReader.open<SplitRow>(folder, { where: options.where });
    requireKind(table, base.id, base.tableColumns);
    return new SplitReader(table);
  },
};
