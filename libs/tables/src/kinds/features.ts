/**
 * Features per item: named scalar columns (`mfcc_03_mean`), or one fixed-size matrix per row.
 *
 * The columns depend on the data, so a writer first declares its layout and then appends rows.
 */
import { type ArtifactKind, DataError, type OpenOptions } from '@prosodia/core';
import { type Batch, TableReader } from '../reader.ts';
import type { Column } from '../schema.ts';
import { TableWriter } from '../writer.ts';
import { type ItemRow, itemColumns } from './items.ts';
import { documentation, requireKind } from './table-kind.ts';

/** Named scalars, or a matrix of the given shape (last axis fastest), for example `[32, 94, 2]`. */
export type FeatureLayout =
  | { readonly form: 'scalars'; readonly names: readonly string[] }
  | { readonly form: 'matrix'; readonly shape: readonly number[]; readonly axes: readonly string[] };

/** Settings the features were computed with, for later stages to check. */
export type FeatureMetadata = Readonly<Record<string, string>>;

const MATRIX_COLUMN = 'values';
const PADDING_COLUMN = 'padding';

/** All features of a table (or of a batch) in memory. */
export interface FeatureBlock {
  readonly items: readonly ItemRow[];
  /** Row-major `[items.length, width]`. */
  readonly values: Float32Array;
  readonly width: number;
  /** For matrices, the share of each item's frames that is padding, 0 to 1; for scalars undefined. */
  readonly padding?: Float32Array;
}

export class FeatureReader {
  readonly table: TableReader<ItemRow>;
  readonly layout: FeatureLayout;
  readonly metadata: FeatureMetadata;
  readonly where: string;

  constructor(table: TableReader<ItemRow>) {
    this.table = table;
    this.where = table.where;
    this.layout = layoutOf(table);
    const { kind: _kind, ...metadata } = table.schema.metadata;
    this.metadata = metadata;
  }

  /** Numbers per row. */
  get width(): number {
    return layoutWidth(this.layout);
  }

  /** Name of each number of a row; for a matrix its index, such as `values[3,17]`. */
  columnNames(): readonly string[] {
    if (this.layout.form === 'scalars') return this.layout.names;
    const { shape } = this.layout;
    return Array.from({ length: this.width }, (_, i) => {
      const index: number[] = [];
      for (let rest = i, axis = shape.length - 1; axis >= 0; axis--) {
        index.unshift(rest % shape[axis]!);
        rest = Math.floor(rest / shape[axis]!);
      }
      return `${MATRIX_COLUMN}[${index.join(',')}]`;
    });
  }

  /** Part by part, so that memory is bounded by a part. */
  async *blocks(): AsyncGenerator<FeatureBlock, void, undefined> {
    for await (const batch of this.table.batches()) {
      const { values, padding } = this.#numbers(batch);
      yield { items: itemsOf(batch), values, width: this.width, ...(padding ? { padding } : {}) };
    }
  }

  /** The numbers of one part, of {@link TableReader.partCount}: row-major `[visible rows, width]`. */
  async values(part: number): Promise<Float32Array> {
    // The whole part: leaving out the few small columns takes twice as long as reading them.
    return this.#numbers(await this.table.part(part), false).values;
  }

  /** The whole table in memory, once. */
  async all(): Promise<FeatureBlock> {
    const rows = await this.table.count();
    const { width } = this;
    const items: ItemRow[] = [];
    const values = new Float32Array(rows * width);
    const padding = this.layout.form === 'scalars' ? undefined : new Float32Array(rows);
    for await (const block of this.blocks()) {
      values.set(block.values, items.length * width);
      padding?.set(block.padding!, items.length);
      for (const item of block.items) items.push(item);
    }
    return { items, values, width, ...(padding ? { padding } : {}) };
  }

  #numbers(batch: Batch<ItemRow>, withPadding = true): { values: Float32Array; padding?: Float32Array } {
    if (this.layout.form === 'scalars') return { values: batch.block(this.layout.names) };
    const { width } = this;
    const values = new Float32Array(batch.length * width);
    const matrices = batch.column<Float32Array>(MATRIX_COLUMN);
    for (let r = 0; r < batch.length; r++) values.set(matrices.at(r), r * width);
    return { values, ...(withPadding ? { padding: batch.block([PADDING_COLUMN]) } : {}) };
  }
}

function itemsOf(batch: Batch<ItemRow>): ItemRow[] {
  const columns = itemColumns.map(({ name }) => [name, batch.column(name)] as const);
  return Array.from(
    { length: batch.length },
    (_, r) => Object.fromEntries(columns.map(([name, values]) => [name, values.at(r)])) as unknown as ItemRow,
  );
}

export class FeatureWriter {
  readonly #folder: string;
  readonly #options: OpenOptions;
  #layout: FeatureLayout | undefined;
  #writer: TableWriter<ItemRow> | undefined;

  constructor(folder: string, options: OpenOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Declares the columns; call it once, before the first row. */
  begin(layout: FeatureLayout, metadata: FeatureMetadata = {}): void {
    this.#layout = layout;
    const scalars = layout.form === 'scalars';
    const valueColumns: Column[] = scalars
      ? layout.names.map((name) => ({ name, type: 'float32' }))
      : [
          { name: PADDING_COLUMN, type: 'float32' },
          {
            name: MATRIX_COLUMN,
            type: { fixed: layoutWidth(layout) },
            metadata: { shape: JSON.stringify(layout.shape), axes: JSON.stringify(layout.axes) },
          },
        ];
    const schema = { columns: [...itemColumns, ...valueColumns], metadata: { kind: 'features', ...metadata } };
    this.#writer = new TableWriter<ItemRow>(this.#folder, schema, this.#options, scalars ? layout.names.length : 0);
  }

  /**
   * Adds an item and its numbers (copied).
   * @param padding for matrices, the share of the frames that is padding; scalars have none
   * @throws DataError if a number is not finite
   */
  async append(item: ItemRow, values: Float32Array, padding = 0): Promise<void> {
    const writer = this.#started();
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! - values[i]!;
    if (sum !== 0) {
      const bad = values.findIndex((value) => !Number.isFinite(value));
      throw new DataError({
        problem: 'a feature is not a finite number',
        got: `${values[bad]} at position ${bad}`,
        where: `${this.#options.where}, item ${item.item_id}`,
      });
    }
    if (this.#layout!.form === 'scalars') await writer.append(item, values);
    else {
      const row = { ...item, [PADDING_COLUMN]: padding, [MATRIX_COLUMN]: values.slice() };
      await writer.append(row);
    }
  }

  async close(): Promise<void> {
    await this.#started().close();
  }

  #started(): TableWriter<ItemRow> {
    if (!this.#writer)
      throw new DataError({ problem: 'the layout of the features was never declared', where: this.#options.where });
    return this.#writer;
  }
}

export const FeatureTable: ArtifactKind<FeatureReader, FeatureWriter> = {
  id: 'features',
  makesFolder: true,
  summary: 'One row of numbers, or one matrix, per item.',
  columns: [
    ...documentation(itemColumns),
    {
      name: '(one per feature)',
      type: 'float32',
      summary: 'for named scalars',
    },
    {
      name: '(padding)',
      type: 'float32',
      summary: 'for matrices: the share of the frames that is padding',
      unit: 'share, 0 to 1',
    },
    {
      name: '(values)',
      type: 'float32[n]',
      summary: 'for matrices: the numbers, last axis fastest; shape and axes are in the field metadata',
    },
  ],
  async open(folder: string, options: OpenOptions) {
    const table = await TableReader.open<ItemRow>(folder, options);
    requireKind(table, 'features', itemColumns);
    return new FeatureReader(table);
  },
  create(folder, options) {
    return Promise.resolve(new FeatureWriter(folder, options));
  },
};

/** Numbers per row of a layout. */
export function layoutWidth(layout: FeatureLayout): number {
  return layout.form === 'scalars' ? layout.names.length : layout.shape.reduce((product, size) => product * size, 1);
}

function layoutOf(table: TableReader<ItemRow>): FeatureLayout {
  const own = table.schema.columns.slice(itemColumns.length);
  const matrix = own.find(({ name, metadata }) => name === MATRIX_COLUMN && metadata?.['shape'] !== undefined);
  if (!matrix) return { form: 'scalars', names: own.map((column) => column.name) };
  return {
    form: 'matrix',
    shape: JSON.parse(matrix.metadata!['shape']!) as number[],
    axes: JSON.parse(matrix.metadata!['axes']!) as string[],
  };
}
