import { CancelledError, DataError, RequestError } from '@prosodia/core';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { CheckpointError } from './checkpoint.ts';
import type { TrainingData } from './data.ts';
import { loadModel } from './predictor.ts';
import { clusters } from './testing/toy-data.ts';
import { train, type TrainOptions } from './trainer.ts';

const base = {
  layers: [{ dense: { units: 8, activation: 'relu' } }, { batch_norm: { momentum: 0.9 } }, { dropout: 0.2 }],
  inputShape: [4],
  classes: 3,
  data: clusters(50, 4, 3, 1),
  validation: clusters(30, 4, 3, 2),
  batch_size: 16,
  epochs: 3,
  seed: 11,
} satisfies TrainOptions;

async function probabilities(model: Uint8Array, { x, rows }: TrainingData): Promise<Float32Array> {
  const loaded = await loadModel(model);
  try {
    return await loaded.predict(x, rows);
  } finally {
    await loaded.dispose();
  }
}

function crossEntropy(p: Float32Array, { y, rows }: TrainingData, classes: number): number {
  return y.reduce((total, label, i) => total - Math.log(p[i * classes + label]!) / rows, 0);
}

describe('train', () => {
  it('learns a problem that can be learned', async () => {
    const data = clusters(96, 4, 3, 1);
    const result = await train({ ...base, data, epochs: 20, optimizer: { adam: { learning_rate: 0.02 } } });
    const last = result.history.at(-1)!;
    expect(last.val_accuracy).toBeGreaterThan(0.85);
    expect(last.loss).toBeLessThan(result.history[0]!.loss);
    expect(result).toMatchObject({ stopped_reason: 'epochs', best_epoch: 20 });
    expect(result.provider).toEqual({ device: 'cpu', version: 'onnxruntime-node 1.30.0' });
    expect(result.parameters).toBe(4 * 8 + 8 + 16 + 8 * 3 + 3);
  });

  it('gives the same bytes for the same seed, and others for another', async () => {
    const [first, second, other] = [await train(base), await train(base), await train({ ...base, seed: 12 })];
    expect(Buffer.compare(first.model, second.model)).toBe(0);
    expect(second.history).toEqual(first.history);
    expect(Buffer.compare(first.model, other.model)).not.toBe(0);
  });

  it('gives the same bytes for the same number of threads, more than there are cores too', async () => {
    const wide = { ...base, layers: [256, 128].map((units) => ({ dense: { units } })), epochs: 2, threads: 5 };
    const [first, second] = [await train(wide), await train(wide)];
    expect(Buffer.compare(first.model, second.model)).toBe(0);
    expect(second.history).toEqual(first.history);
  });

  it('serves what it trained: the model reproduces the validation loss', async () => {
    const { model, history } = await train(base);
    const p = await probabilities(model, base.validation);
    expect(crossEntropy(p, base.validation, 3)).toBeCloseTo(history.at(-1)!.val_loss!, 5);
    for (let row = 0; row < 30; row++) expect(p[row * 3]! + p[row * 3 + 1]! + p[row * 3 + 2]!).toBeCloseTo(1, 5);
  });

  it('weighs the smaller last batch by its rows: without shuffling effects the loss is that of all rows', async () => {
    const tiny = { sgd: { learning_rate: 1e-20 } };
    const layers = [{ dense: { units: 4 } }];
    const whole = await train({ ...base, layers, optimizer: tiny, epochs: 1, batch_size: 50 });
    const parts = await train({ ...base, layers, optimizer: tiny, epochs: 1, batch_size: 16 });
    expect(parts.history[0]!.loss).toBeCloseTo(whole.history[0]!.loss, 6);
    expect(parts.history[0]!.accuracy).toBeCloseTo(whole.history[0]!.accuracy, 9);
  });

  it('applies class weights to training and not to validation, and divides by rows, as Keras does', async () => {
    const options = { ...base, layers: [], optimizer: { sgd: { learning_rate: 1e-20 } }, epochs: 1, batch_size: 50 };
    const plain = await train(options);
    const weighted = await train({ ...options, class_weight: [2, 2, 2] });
    expect(weighted.history[0]!.loss).toBeCloseTo(2 * plain.history[0]!.loss, 5);
    expect(weighted.history[0]!.val_loss).toBe(plain.history[0]!.val_loss);
  });

  it('a class that outweighs the others is predicted more often', async () => {
    const data = clusters(60, 4, 3, 3, 3);
    const share = async (class_weight: number[]): Promise<number> => {
      const { model } = await train({
        ...base,
        layers: [],
        data,
        epochs: 10,
        class_weight,
        optimizer: { sgd: { learning_rate: 0.1 } },
      });
      const p = await probabilities(model, data);
      return data.y.filter((_, i) => p[i * 3]! > Math.max(p[i * 3 + 1]!, p[i * 3 + 2]!)).length;
    };
    expect(await share([10, 1, 1])).toBeGreaterThan(await share([0.1, 1, 1]));
  });

  it('balanced class weights are 1 for classes of equal size', async () => {
    const data = clusters(48, 4, 3, 1);
    const plain = await train({ ...base, data });
    const balanced = await train({ ...base, data, class_weight: 'balanced' });
    expect(Buffer.compare(plain.model, balanced.model)).toBe(0);
  });

  it('a row weight of 0 takes the row out of training', async () => {
    const { x, y } = base.data;
    const kept = { x: x.slice(0, 40 * 4), y: y.slice(0, 40), rows: 40 };
    const options = { ...base, layers: [], epochs: 1, optimizer: { sgd: { learning_rate: 0.1 } } };
    const fewer = await train({ ...options, data: kept, batch_size: 40 });
    const sample_weight = Float32Array.from({ length: 50 }, (_, i) => (i < 40 ? 50 / 40 : 0));
    const weighted = await train({ ...options, data: { ...base.data, sample_weight }, batch_size: 50 });
    expect(weighted.history[0]!.val_loss).toBeCloseTo(fewer.history[0]!.val_loss!, 5);
  });

  it('stops early and returns the weights of the best epoch', async () => {
    const result = await train({
      ...base,
      data: clusters(12, 4, 3, 5, 2),
      validation: clusters(60, 4, 3, 6, 2),
      epochs: 200,
      optimizer: { adam: { learning_rate: 0.05 } },
      callbacks: { early_stopping: { patience: 4 } },
    });
    const losses = result.history.map((row) => row.val_loss!);
    expect(result.stopped_reason).toBe('early_stopping');
    expect(result.history).toHaveLength(result.best_epoch + 4);
    expect(losses[result.best_epoch - 1]).toBe(Math.min(...losses));
    const validation = clusters(60, 4, 3, 6, 2);
    const p = await probabilities(result.model, validation);
    expect(crossEntropy(p, validation, 3)).toBeCloseTo(Math.min(...losses), 4);
  });

  it('lowers the learning rate on a plateau', async () => {
    const { history } = await train({
      ...base,
      epochs: 6,
      optimizer: { sgd: { learning_rate: 0.001 } },
      callbacks: { reduce_lr_on_plateau: { patience: 2, min_delta: 10, factor: 0.5, min_lr: 0.0003 } },
    });
    const rates = history.map((row) => Number(row.learning_rate.toPrecision(6)));
    expect(rates).toEqual([0.001, 0.001, 0.001, 0.0005, 0.0005, 0.0003]);
  });

  it('trains without validation rows', async () => {
    const { history } = await train({ ...base, validation: undefined });
    expect(history[0]).toMatchObject({ val_loss: undefined, val_accuracy: undefined });
  });

  it('trains one row at a time, and a network without hidden layers', async () => {
    const { history } = await train({ ...base, layers: [], batch_size: 1, epochs: 1 });
    expect(history[0]!.loss).toBeGreaterThan(0);
  });

  it('reports every epoch as it ends', async () => {
    const seen: number[] = [];
    const { history } = await train({ ...base, onEpoch: (row) => void seen.push(row.loss) });
    expect(seen).toEqual(history.map((row) => row.loss));
  });

  it('keeps metadata in the model', async () => {
    const { model } = await train({ ...base, epochs: 1, metadata: { labels: 'calm,sad,angry' } });
    expect(Buffer.from(model).includes('calm,sad,angry')).toBe(true);
  });
});

describe('a training that goes on from a checkpoint', () => {
  const options: TrainOptions = {
    ...base,
    epochs: 5,
    callbacks: { early_stopping: { patience: 5 }, reduce_lr_on_plateau: { patience: 1 } },
    schedule: { cosine: { warmup_epochs: 1 } },
    mixup: {},
    augmentation: { noise: 0.1 },
  };
  const interrupted = async (after: number): Promise<Uint8Array> => {
    const controller = new AbortController();
    let kept: Uint8Array | undefined;
    let count = 0;
    const onCheckpoint = (bytes: Uint8Array): void => {
      if (++count !== after) return;
      kept = bytes;
      controller.abort();
    };
    await expect(train({ ...options, onCheckpoint, signal: controller.signal })).rejects.toThrow(CancelledError);
    return kept!;
  };

  it.each([1, 4])('after epoch %i gives the same bytes and history as one never interrupted', async (after) => {
    const whole = await train(options);
    const resumed = await train({ ...options, resume: await interrupted(after) });
    expect(resumed.history).toEqual(whole.history);
    expect(resumed.best_epoch).toBe(whole.best_epoch);
    expect(Buffer.compare(resumed.model, whole.model)).toBe(0);
  });

  it('refuses a checkpoint of another training, of another version, a damaged one, and what is none', async () => {
    const resume = await interrupted(1);
    const refused = async (bytes: Uint8Array, message: RegExp, seed = options.seed) => {
      const attempt = train({ ...options, seed, resume: bytes });
      await expect(attempt).rejects.toThrow(CheckpointError);
      await expect(attempt).rejects.toThrow(message);
    };
    await refused(resume, /of another training/, 99);
    await refused(resume.slice(0, -8), /cut off or damaged/);
    await refused(Uint8Array.of(1, 2), /no whole checkpoint[^]*2 bytes of something else/);
    const version = resume.slice();
    version[20]! = 9;
    await refused(version, /version 1[^]*version 9/);
    for (let at = 24; at < resume.length; at += 997) {
      const flipped = resume.slice();
      flipped[at]! ^= 4;
      await refused(flipped, /cut off or damaged/);
    }
  });

  it('makes no more checkpoints than fit into their share of the time', async () => {
    let count = 0;
    await train({ ...options, checkpoint_share: 0, onCheckpoint: () => void count++ });
    expect(count).toBe(1);
  });
});

describe('train stops when it must', () => {
  it('says so when the loss is no longer a number, and where', async () => {
    const diverging = { ...base, layers: [], optimizer: { sgd: { learning_rate: 1e38 } } };
    await expect(train(diverging)).rejects.toThrow(
      /epoch 1, step \d.*training has diverged[^]*lower the learning rate/,
    );
  });

  it('is cancelled by its signal between two steps', async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const onEpoch = ({ epoch }: { epoch: number }): void => {
      seen.push(epoch);
      controller.abort();
    };
    await expect(train({ ...base, onEpoch, signal: controller.signal })).rejects.toThrow(CancelledError);
    expect(seen).toEqual([1]);
  });
});

describe('train refuses, and says what is right', () => {
  const refusals: [string, Partial<Record<keyof TrainOptions, unknown>>, RegExp][] = [
    [
      'an unknown layer',
      { layers: [{ dense: { units: 4 } }, { desne: {} }] },
      /layers\[1\]: there is no 'desne'[^]*write 'dense'/,
    ],
    [
      'an unknown option',
      { layers: [{ dense: { unit: 4 } }] },
      /layers\[0\].dense: there is no 'unit'[^]*write 'units'/,
    ],
    [
      'a missing option',
      { layers: [{ dense: {} }] },
      /layers\[0\].dense: 'units' is missing[^]*a whole number, at least 1/,
    ],
    [
      'a wrong value',
      { layers: [{ dropout: 1 }] },
      /layers\[0\].dropout: the value does not fit[^]*at least 0, below 1[^]*got: +1/,
    ],
    [
      'an unknown choice',
      { layers: [{ activation: 'rely' }] },
      /layers\[0\].activation[^]*got: +"rely"[^]*write 'relu'/,
    ],
    ['two layers in one entry', { layers: [{ dropout: 0.1, flatten: {} }] }, /layers\[0\][^]*exactly one of/],
    [
      'no vector at the end',
      { layers: [], inputShape: [2, 2] },
      /the output layer needs one vector[^]*got: +2 x 2[^]*flatten/,
    ],
    [
      'a softmax at the end',
      { layers: [{ dense: { units: 3, activation: 'softmax' } }] },
      /layers\[0\][^]*the output layer is added for you/,
    ],
    ['an unknown optimizer', { optimizer: { adma: {} } }, /optimizer: there is no 'adma'[^]*write 'adam'/],
    ['an unknown loss', { loss: { focale: {} } }, /loss: there is no 'focale'[^]*write 'focal'/],
    ['a wrong number of class weights', { class_weight: [1, 2] }, /class_weight[^]*a list of 3 values/],
    ['no epochs', { epochs: 0 }, /epochs does not fit/],
    [
      'validation metrics without validation rows',
      { validation: undefined, callbacks: { early_stopping: {} } },
      /val_loss cannot be watched/,
    ],
    ['too few classes', { classes: 1 }, /too few classes/],
    ['a shape with a zero', { inputShape: [0] }, /the input shape does not fit/],
  ];
  it.each(refusals)('%s', async (_, change, message) => {
    const attempt = train({ ...base, ...change } as TrainOptions);
    await expect(attempt).rejects.toThrow(message);
  });

  const broken: [string, Partial<TrainingData>, RegExp][] = [
    ['features of the wrong number', { x: new Float32Array(7) }, /50 rows of 4 = 4 values, and 50 labels[^]*7 values/],
    ['a label that is no class', { y: Int32Array.from({ length: 50 }, () => 3) }, /0 to 2[^]*3 in row 0/],
    ['a feature that is not a number', { x: new Float32Array(200).fill(NaN, 9, 10) }, /NaN in row 2, value 1/],
    ['weights of the wrong number', { sample_weight: new Float32Array(2) }, /50 weights/],
    ['no rows', { x: new Float32Array(0), y: new Int32Array(0), rows: 0 }, /there are no training rows/],
  ];
  it.each(broken)('%s', async (_, change, message) => {
    const attempt = train({ ...base, data: { ...base.data, ...change } });
    await expect(attempt).rejects.toThrow(DataError);
    await expect(attempt).rejects.toThrow(message);
  });

  it('a device that is not there', async () => {
    await expect(train({ ...base, device: 'tpu' as 'cpu' })).rejects.toThrow(RequestError);
  });
});

it('runs in a child process and lets it end', async () => {
  const entry = new URL('./index.ts', import.meta.url).href;
  const script = `
    import { train } from '${entry}';
    const y = Int32Array.of(0, 1, 0, 1);
    const { history } = await train({ layers: [], inputShape: [1], classes: 2, data: { x: Float32Array.from(y), y, rows: 4 }, epochs: 1, seed: 1 });
    console.log(history.length);`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--import',
    'tsx',
    '--input-type=module',
    '-e',
    script,
  ]);
  expect(stdout.trim()).toBe('1');
});
