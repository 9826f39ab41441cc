/** Audio in memory form: one row per item, samples as a list of float32. */
import { type ItemRow, itemColumns } from './items.ts';
import { column, tableKind } from './table-kind.ts';

export interface AudioRow extends ItemRow {
  sample_rate: number;
  /** Mono, full scale at +-1. */
  samples: Float32Array;
}

export const AudioTable = tableKind<AudioRow>('audio', 'Mono audio of clips, augmented copies or segments.', [
  ...itemColumns,
  column('sample_rate', 'int32', 'samples per second', { unit: 'Hz' }),
  column('samples', 'list', 'mono samples, full scale at +-1', { unit: 'full scale = 1' }),
]);
