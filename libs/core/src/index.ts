export type {
  Compose,
  ComposeContext,
  Composed,
  ComposedAudio,
  ComposedClips,
  ComposedFeatures,
  ComposedModelOptions,
  ComposedPredictions,
  GraphElement,
  GraphTensor,
} from './composing.ts';
export { Type } from 'typebox';
export type { TObject, TSchema } from 'typebox';
export { formatCount } from './count.ts';
export {
  CancelledError,
  DataError,
  LeakError,
  ProsodiaError,
  RequestError,
  messageOf,
  nearest,
  reasonOf,
  throwIfCancelled,
  type ErrorParts,
} from './errors.ts';
export type { Hearing, Hears, Stretch } from './hearing.ts';
export {
  inputSpec,
  many,
  optional,
  type ArtifactKind,
  type ColumnDoc,
  type InputSpec,
  type Inputs,
  type ManyInput,
  type ManyItem,
  type OpenOptions,
  type OptionalInput,
  type Outputs,
  type ReaderOf,
  type Role,
  type RoleSource,
  type RowView,
  type WriterOf,
} from './kinds.ts';
export { RUN_MARK, escapeXml } from './markup.ts';
export { BUILD_FOLDER, PROJECT_ROOT, loadable } from './modules.ts';
export { Rng, type RngLabel } from './random.ts';
export { selectRanks } from './select.ts';
export { GIVEN_CORPUS, type GivenFile, type GivenRecordings, type ServeContext, type Serving } from './serving.ts';
export { mapSharded, serializeError, type ShardOptions, type ShardWorker } from './shard.ts';
export { Shelf } from './shelf.ts';
export {
  defineStage,
  type DeviceClass,
  type ExternalProbe,
  type ExternalRequest,
  type ExternalState,
  type FitContext,
  type RecordingRef,
  type Recordings,
  type Resources,
  type RunContext,
  type Scratch,
  type StageDefinition,
  type StageResources,
  type StageServices,
  type Static,
} from './stage.ts';
export { unitOf, unitsIn, withUnits, type Units } from './units.ts';
