/** Training that a kill does not take back to its start: checkpoints in the stage's scratch. */
import { type StageServices, messageOf } from '@prosodia/core';
import { CheckpointError, type TrainOptions, type TrainResult, train } from '@prosodia/nn';

const FILE = 'checkpoint';

/**
 * Share of the time that checkpoints may take. After the first epoch one is written whenever all of them
 * together stay below it: after each epoch of a second or more, every second or so if epochs are shorter.
 */
const SHARE = 0.02;

/** Trains, from where an interrupted run of the same stage was; the result is the same bytes either way. */
export async function trainResumably(
  options: TrainOptions,
  { scratch, notice }: Pick<StageServices<unknown>, 'scratch' | 'notice'>,
): Promise<TrainResult> {
  let silent = false;
  const kept: TrainOptions = {
    ...options,
    checkpoint_share: SHARE,
    async onCheckpoint(bytes) {
      try {
        await scratch.write(FILE, bytes);
      } catch (error) {
        // Worth less than the training itself, which goes on.
        if (!silent) notice(`no checkpoint could be written, a killed run would start again: ${messageOf(error)}`);
        silent = true;
      }
    },
    onResume: (epochs) => notice(`goes on after epoch ${epochs}, where an earlier run was stopped`),
  };
  const found = await scratch.read(FILE).catch(() => undefined);
  if (!found) return train(kept);
  try {
    return await train({ ...kept, resume: found });
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    const { problem, got } = error.parts;
    notice(`starts from the beginning: the checkpoint of an earlier run cannot be used (${problem}; ${got})`);
    return train(kept);
  }
}
