/** What the page and the worker that runs a model in it say to each other. */

export type ToWorker =
  /** With the rate that the model hears, in Hz. */
  | { type: 'load'; model: ArrayBuffer; rate: number }
  /** With the rate of the samples. */
  | { type: 'run'; id: number; samples: Float32Array<ArrayBuffer>; rate: number };

export type FromWorker =
  | { type: 'loaded' }
  | { type: 'result'; id: number; probabilities: number[] }
  | { type: 'failed'; id: number | undefined; reason: string };
