/** Class probabilities per item, with what was true. One probability column per label. */
import { type ArtifactKind, DataError, LeakError, type OpenOptions, type Role } from '@prosodia/core';
import { TableReader } from '../reader.ts';
import { TableWriter } from '../writer.ts';
import { column, documentation, requireKind } from './table-kind.ts';

/**
 * What the model behind a prediction had to do with the row, its copies and segments included:
 *
 * - `fitted`: it was fitted on it;
 * - `selected`: something about it was chosen on it, such as the epoch to keep;
 * - `unseen`: neither.
 */
export type Seen = 'fitted' | 'selected' | 'unseen';

export interface PredictionRow {
  clip_id: string;
  item_id: string;
  fold: number;
  role: Role;
  label: string;
  seen: Seen;
}

/**
 * Refuses a test row that a model has seen, where predictions are about to be combined or fitted on.
 * @param what the model, as it begins a sentence: `a member`
 * @param where for the message
 * @throws LeakError
 */
export function requireUnseenTest({ role, seen, item_id }: PredictionRow, what: string, where: string): void {
  if (role !== 'test' || seen === 'unseen') return;
  throw new LeakError({
    problem: `${what} has seen a test row`,
    expected: 'models that know training and validation rows only',
    got: `${item_id}, ${seen === 'fitted' ? 'which it was fitted on' : 'which something was selected on'}`,
    where,
  });
}

const fixedColumns = [
  column('clip_id', 'utf8', 'the recording'),
  column('item_id', 'utf8', 'the item predicted; equals clip_id for whole, unchanged clips'),
  column('fold', 'int32', 'fold of the split'),
  column('role', 'utf8', 'role of the clip in that fold'),
  column('label', 'utf8', 'the true label'),
  column('seen', 'utf8', 'whether the model was fitted on the row, something was selected on it, or it is unseen'),
];

const PREFIX = 'p_';
const SHARE = 'share, 0 to 1';

export class PredictionReader {
  readonly table: TableReader<PredictionRow>;
  readonly where: string;
  /** Class names in the order of the probabilities. */
  readonly labels: readonly string[];

  constructor(table: TableReader<PredictionRow>) {
    this.table = table;
    this.where = table.where;
    this.labels = table.schema.columns.slice(fixedColumns.length).map((own) => own.name.slice(PREFIX.length));
  }

  /** All rows, and their probabilities row-major `[rows, labels]`. */
  async all(): Promise<{ rows: PredictionRow[]; probabilities: Float32Array }> {
    const names = this.labels.map((label) => PREFIX + label);
    const rows: PredictionRow[] = [];
    const blocks: Float32Array[] = [];
    for await (const batch of this.table.batches()) {
      const columns = fixedColumns.map(({ name }) => [name, batch.column(name)] as const);
      for (let r = 0; r < batch.length; r++) {
        rows.push(
          Object.fromEntries(columns.map(([name, values]) => [name, values.at(r)])) as unknown as PredictionRow,
        );
      }
      blocks.push(batch.block(names));
    }
    const probabilities = new Float32Array(rows.length * names.length);
    let offset = 0;
    for (const block of blocks) {
      probabilities.set(block, offset);
      offset += block.length;
    }
    return { rows, probabilities };
  }
}

export class PredictionWriter {
  readonly #folder: string;
  readonly #options: OpenOptions;
  #labels: readonly string[] = [];
  #writer: TableWriter<PredictionRow> | undefined;

  constructor(folder: string, options: OpenOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Declares the classes, in the order of the probabilities; call it once, before the first row. */
  begin(labels: readonly string[]): void {
    this.#labels = labels;
    const columns = [
      ...fixedColumns,
      ...labels.map((label) => column(PREFIX + label, 'float32', `probability of ${label}`, { unit: SHARE })),
    ];
    this.#writer = new TableWriter<PredictionRow>(
      this.#folder,
      { columns, metadata: { kind: 'predictions' } },
      this.#options,
      labels.length,
    );
  }

  /** Adds a row; probabilities must be finite, not negative, and sum to 1 within 1e-3. */
  async append(row: PredictionRow, probabilities: Float32Array): Promise<void> {
    const sum = probabilities.reduce((total, p) => total + p, 0);
    if (!(Math.abs(sum - 1) < 1e-3) || probabilities.some((p) => !(p >= 0))) {
      throw new DataError({
        problem: 'these are not probabilities',
        expected: `${this.#labels.length} numbers >= 0 that sum to 1`,
        got: [...probabilities].map((p) => p.toPrecision(3)).join(', '),
        where: `${this.#options.where}, item ${row.item_id}`,
      });
    }
    await this.#started().append(row, probabilities);
  }

  async close(): Promise<void> {
    await this.#started().close();
  }

  #started(): TableWriter<PredictionRow> {
    if (!this.#writer)
      throw new DataError({
        problem: 'the classes of the predictions were never declared',
        where: this.#options.where,
      });
    return this.#writer;
  }
}

export const PredictionTable: ArtifactKind<PredictionReader, PredictionWriter> = {
  id: 'predictions',
  makesFolder: true,
  summary: 'Class probabilities per item, with the true label.',
  columns: [
    ...documentation(fixedColumns),
    {
      name: 'p_<label>',
      type: 'float32',
      summary: 'probability of each label, in the order of the label encoder',
      unit: SHARE,
    },
  ],
  async open(folder: string, options: OpenOptions) {
    const table = await TableReader.open<PredictionRow>(folder, options);
    requireKind(table, 'predictions', fixedColumns);
    return new PredictionReader(table);
  },
  create(folder, options) {
    return Promise.resolve(new PredictionWriter(folder, options));
  },
};
