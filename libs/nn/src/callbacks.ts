/** What watches training and steps in between epochs, with Keras's names and rules. */
import { RequestError, Type, type Static } from '@prosodia/core';
import { readOptions, type Resolved } from './options.ts';

const monitored = ['val_loss', 'val_accuracy', 'loss', 'accuracy'] as const;

export type Monitored = (typeof monitored)[number];

const monitor = Type.Optional(
  Type.Enum([...monitored], { default: 'val_loss', description: 'The column of the history that is watched.' }),
);
const min_delta = (fallback: number) =>
  Type.Optional(Type.Number({ minimum: 0, default: fallback, description: 'A smaller change is no improvement.' }));

const EarlyStoppingOptions = Type.Object(
  {
    monitor,
    min_delta: min_delta(0),
    patience: Type.Optional(
      Type.Integer({ minimum: 0, default: 0, description: 'Epochs without improvement before training stops.' }),
    ),
    start_from_epoch: Type.Optional(
      Type.Integer({ minimum: 0, default: 0, description: 'Epochs at the start that are not watched.' }),
    ),
    restore_best_weights: Type.Optional(
      Type.Boolean({ default: true, description: 'Whether the model is that of the best epoch, not of the last.' }),
    ),
  },
  { additionalProperties: false, description: 'Stops when the monitored value no longer improves.' },
);

const PlateauOptions = Type.Object(
  {
    monitor,
    factor: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        exclusiveMaximum: 1,
        default: 0.1,
        description: 'What the learning rate is multiplied by.',
      }),
    ),
    patience: Type.Optional(
      Type.Integer({ minimum: 0, default: 10, description: 'Epochs without improvement before the rate falls.' }),
    ),
    min_delta: min_delta(0.0001),
    cooldown: Type.Optional(Type.Integer({ minimum: 0, default: 0, description: 'Epochs to wait after a reduction.' })),
    min_lr: Type.Optional(Type.Number({ minimum: 0, default: 0, description: 'The rate does not fall below this.' })),
  },
  {
    additionalProperties: false,
    description: 'Reduces the learning rate when the monitored value no longer improves.',
  },
);

export const CallbacksSchema = Type.Object(
  {
    early_stopping: Type.Optional(EarlyStoppingOptions),
    reduce_lr_on_plateau: Type.Optional(PlateauOptions),
  },
  { additionalProperties: false, default: {}, description: 'What steps in between epochs.' },
);

export type CallbacksSpec = Static<typeof CallbacksSchema>;

/** One epoch. The `val_` columns are undefined without validation rows. */
export interface HistoryRow {
  /** Counted from 1. */
  readonly epoch: number;
  readonly loss: number;
  readonly accuracy: number;
  readonly val_loss: number | undefined;
  readonly val_accuracy: number | undefined;
  /** At the end of the epoch. */
  readonly learning_rate: number;
}

/** State of the callbacks, plain data, so that a checkpoint can hold it. */
export interface CallbackState {
  best: number | undefined;
  bestEpoch: number;
  wait: number;
  plateauBest: number | undefined;
  plateauWait: number;
  plateauCooldown: number;
  /** What reductions have multiplied the learning rate by so far. */
  rateFactor: number;
}

export function initialCallbackState(): CallbackState {
  return {
    best: undefined,
    bestEpoch: 0,
    wait: 0,
    plateauBest: undefined,
    plateauWait: 0,
    plateauCooldown: 0,
    rateFactor: 1,
  };
}

export interface Callbacks {
  readonly restoreBest: boolean;
  /** Takes note of an epoch and updates `state`. */
  epochEnd(row: HistoryRow, state: CallbackState): { stop: boolean; improved: boolean };
}

/** Throws a RequestError if the description does not fit, or if it watches validation rows that are not there. */
export function readCallbacks(spec: CallbacksSpec, hasValidation: boolean): Callbacks {
  const read = readOptions(CallbacksSchema, spec, 'callbacks');
  const stopping = read.early_stopping as Resolved<Static<typeof EarlyStoppingOptions>> | undefined;
  const plateau = read.reduce_lr_on_plateau as Resolved<Static<typeof PlateauOptions>> | undefined;
  for (const [name, watched] of Object.entries({ early_stopping: stopping, reduce_lr_on_plateau: plateau })) {
    if (watched && !hasValidation && watched.monitor.startsWith('val_')) {
      throw new RequestError({
        problem: `${watched.monitor} cannot be watched: there are no validation rows`,
        where: `callbacks.${name}.monitor`,
        fix: 'give validation rows, or monitor loss or accuracy',
      });
    }
  }
  return {
    restoreBest: stopping?.restore_best_weights ?? false,
    epochEnd(row, state) {
      if (plateau) watchPlateau(plateau, row, state);
      if (!stopping || row.epoch <= stopping.start_from_epoch) return { stop: false, improved: false };
      const improved = isBetter(stopping.monitor, row[stopping.monitor]!, state.best, stopping.min_delta);
      if (improved) {
        state.best = row[stopping.monitor]!;
        state.bestEpoch = row.epoch;
        state.wait = 0;
      } else state.wait++;
      return { stop: !improved && state.wait >= stopping.patience, improved };
    },
  };
}

function watchPlateau(
  { monitor: watched, min_delta: delta, patience, factor, cooldown, min_lr }: Resolved<Static<typeof PlateauOptions>>,
  row: HistoryRow,
  state: CallbackState,
): void {
  if (state.plateauCooldown > 0) {
    state.plateauCooldown--;
    state.plateauWait = 0;
  }
  if (isBetter(watched, row[watched]!, state.plateauBest, delta)) {
    state.plateauBest = row[watched]!;
    state.plateauWait = 0;
  } else if (state.plateauCooldown === 0) {
    state.plateauWait++;
    if (state.plateauWait < patience || row.learning_rate <= min_lr) return;
    state.rateFactor *= Math.max(factor, min_lr / row.learning_rate);
    state.plateauCooldown = cooldown;
    state.plateauWait = 0;
  }
}

function isBetter(name: Monitored, value: number, best: number | undefined, delta: number): boolean {
  if (best === undefined) return true;
  return name.endsWith('accuracy') ? value - delta > best : value + delta < best;
}
