export type { Catalogue, InputInfo, KindInfo, OutputInfo, StageInfo } from './catalogue/info.ts';
export { pipelineSchema } from './catalogue/schema.ts';
export type { Instance, OutputRef, Plan } from './pipeline/resolve.ts';
export { Project, type ProjectOptions } from './project.ts';
export type { OnEvent, RunEvent, Status } from './run/events.ts';
export { readRecord, type RunRecord, type StageRecord } from './run/record.ts';
export { runPlan, type RunOptions, type RunResult } from './run/run.ts';
export { statusOf, type StageStatus } from './run/status.ts';
export type { Manifest, StoredFile, StoredOutput } from './store/manifest.ts';
