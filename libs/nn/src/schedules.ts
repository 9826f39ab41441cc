/** Learning-rate schedules: a factor on the optimizer's learning rate, as a function of training progress. */
import { Type, type Static } from '@prosodia/core';
import { readOptions, type Resolved } from './options.ts';

const warmup_epochs = Type.Optional(
  Type.Number({ minimum: 0, default: 0, description: 'Epochs over which the rate first rises linearly from 0.' }),
);

const ConstantOptions = Type.Object({ warmup_epochs }, { additionalProperties: false, description: 'No change.' });
const StepOptions = Type.Object(
  {
    every: Type.Integer({ minimum: 1, description: 'Epochs between two drops.' }),
    factor: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1,
        default: 0.5,
        description: 'What each drop multiplies the rate by.',
      }),
    ),
    warmup_epochs,
  },
  { additionalProperties: false, description: 'Drops every few epochs.' },
);
const CosineOptions = Type.Object(
  {
    end_factor: Type.Optional(
      Type.Number({ minimum: 0, maximum: 1, default: 0, description: 'Share of the rate that is left at the end.' }),
    ),
    warmup_epochs,
  },
  {
    additionalProperties: false,
    description: 'Falls along half a cosine over all epochs (Loshchilov and Hutter, 2016).',
  },
);

export const ScheduleSchema = Type.Object(
  { constant: Type.Optional(ConstantOptions), step: Type.Optional(StepOptions), cosine: Type.Optional(CosineOptions) },
  {
    additionalProperties: false,
    minProperties: 1,
    maxProperties: 1,
    default: { constant: {} },
    description: 'How the learning rate changes during training.',
  },
);

export type ScheduleSpec = Static<typeof ScheduleSchema>;

/** The factor at a point of training. @param progress epochs done, with fraction. @param epochs planned */
export type Schedule = (progress: number, epochs: number) => number;

/** Throws a RequestError if the description does not fit. */
export function readSchedule(spec: ScheduleSpec): Schedule {
  const read = readOptions(ScheduleSchema, spec, 'schedule');
  const { warmup_epochs: warmup } = (read.constant ?? read.step ?? read.cosine) as { warmup_epochs: number };
  const after = shape(read as ScheduleSpec);
  return (progress, epochs) => (progress < warmup ? progress / warmup : after(progress, epochs, warmup));
}

function shape({ step, cosine }: ScheduleSpec): (progress: number, epochs: number, warmup: number) => number {
  if (step) {
    const { every, factor } = step as Resolved<typeof step>;
    return (progress) => factor ** Math.floor(progress / every);
  }
  if (cosine) {
    const { end_factor: end } = cosine as Resolved<typeof cosine>;
    return (progress, epochs, warmup) => {
      const share = Math.min(1, (progress - warmup) / Math.max(epochs - warmup, 1e-9));
      return end + ((1 - end) * (1 + Math.cos(Math.PI * share))) / 2;
    };
  }
  return () => 1;
}
