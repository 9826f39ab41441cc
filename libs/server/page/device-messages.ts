/** What the page and the worker that runs a model in it say to each other. */

export type ToWorker =
  { type: 'load'; model: ArrayBuffer } | { type: 'run'; id: number; samples: Float32Array<ArrayBuffer> };

export type FromWorker =
  | { type: 'loaded' }
  | { type: 'result'; id: number; probabilities: number[] }
  | { type: 'failed'; id: number | undefined; reason: string };
