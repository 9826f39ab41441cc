export { type Cell, type ColumnValues, type Row } from './columns.ts';
export { BalanceSchema, planCopies, type Balance, type CopyPlanOptions } from './copies.ts';
export { expanded, gathered, groupsOf, type FeatureGroups, type Per } from './feature-groups.ts';
export { AudioTable, type AudioRow } from './kinds/audio.ts';
export { ClipTable, type ClipRow } from './kinds/clips.ts';
export {
  FeatureReader,
  FeatureTable,
  FeatureWriter,
  layoutWidth,
  type FeatureBlock,
  type FeatureLayout,
  type FeatureMetadata,
} from './kinds/features.ts';
export { FolderReader, FolderWriter, Model, Report, Transform, type EpochRow } from './kinds/folder.ts';
export { type ItemRow } from './kinds/items.ts';
export {
  PredictionReader,
  PredictionTable,
  PredictionWriter,
  requireUnseenTest,
  type PredictionRow,
  type Seen,
} from './kinds/predictions.ts';
export type { TableKind } from './kinds/table-kind.ts';
export { SplitReader, SplitTable, type SplitRow } from './kinds/split.ts';
export { clipLabels, readLabelled, writePredictions, writeUnlabelled, type LabelledRows } from './labelled.ts';
export { Batch, TableReader } from './reader.ts';
export { type Column, type ColumnType, type TableSchema } from './schema.ts';
export { OnErrorSchema, SkippedItems, type OnError } from './skipped.ts';
export { TableWriter } from './writer.ts';
