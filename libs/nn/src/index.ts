export { CallbacksSchema, type CallbacksSpec, type HistoryRow } from './callbacks.ts';
export type { TrainingData } from './data.ts';
export { provider, type DeviceOptions, type Provider } from './device.ts';
export { LayerSchema, LayersSchema, layers, type LayerName, type LayerSpec } from './layers/index.ts';
export { LossSchema, type LossSpec } from './losses.ts';
export { OptimizerSchema, type OptimizerSpec } from './optimizers.ts';
export { loadModel, type Model } from './predictor.ts';
export { ScheduleSchema, type ScheduleSpec } from './schedules.ts';
export { train, type TrainOptions, type TrainResult } from './trainer.ts';
