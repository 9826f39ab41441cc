/** Tables as CSV, for tools that read nothing else. Parquet is what the stages themselves exchange. */
import { RequestError, Type, defineStage, optional, throwIfCancelled } from '@prosodia/core';
import { ClipTable, FeatureTable, PredictionTable, Report, SplitTable, type TableReader } from '@prosodia/tables';
import { csvLine, shortest } from './csv.ts';

/** Text of about so many characters is written at once. */
const CHUNK = 1 << 20;

export default defineStage({
  name: 'export-csv',
  summary: 'Writes clips, features, splits or predictions as CSV files.',
  details:
    'One file for each input, named like it: a header, then a line per row, as RFC 4180 has it, in UTF-8. Numbers have ' +
    'the digits that give the same number back. What is missing is an empty field. A matrix per item becomes a column ' +
    'per number, such as `values[3,17]`; predictions have a column `p_<label>` for each label.',
  params: Type.Object({}),
  inputs: {
    clips: optional(ClipTable),
    split: optional(SplitTable),
    features: optional(FeatureTable),
    predictions: optional(PredictionTable),
  },
  outputs: { csv: Report },

  async run({ inputs, outputs, signal, metrics }) {
    const { clips, split, features, predictions } = inputs;
    const counts: Record<string, number> = {};
    const write = async (name: string, table: TableReader<object>, matrix: readonly string[] = []) => {
      const columns = table.schema.columns.map((column) => ({ ...column, single: column.type === 'float32' }));
      const names = columns.flatMap(({ name, type }) => (typeof type === 'object' ? matrix : [name]));
      const chunks = [csvLine(names)];
      let count = 0;
      for await (const row of table.rows() as AsyncIterable<Record<string, unknown>>) {
        throwIfCancelled(signal);
        const line = csvLine(
          columns.map(({ name, single }) => (single && row[name] !== null ? shortest(row[name] as number) : row[name])),
        );
        if (chunks.at(-1)!.length > CHUNK) chunks.push(line);
        else chunks[chunks.length - 1] += line;
        count++;
      }
      await outputs.csv.bytes(`${name}.csv`, Buffer.concat(chunks.map((chunk) => Buffer.from(chunk))));
      counts[`${name}_rows`] = count;
    };
    if (clips) await write('clips', clips);
    if (split) await write('split', split.table);
    if (features)
      await write('features', features.table, features.layout.form === 'matrix' ? features.columnNames() : []);
    if (predictions) await write('predictions', predictions.table);
    if (Object.keys(counts).length === 0) {
      throw new RequestError({
        problem: 'there is nothing to write',
        expected: 'at least one of the inputs clips, split, features and predictions',
      });
    }
    metrics(counts);
  },
});
