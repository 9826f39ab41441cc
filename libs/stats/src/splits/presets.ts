/**
 * Published folds of the 24 RAVDESS actors.
 *
 * emobox-6fold: Ma et al., "EmoBox: Multilingual Multi-corpus Speech Emotion Recognition Toolkit and Benchmark"
 * (2024). luna-jimenez-5fold: Luna-Jiménez et al., "Multimodal Emotion Recognition on RAVDESS Dataset Using
 * Transfer Learning" (2021). Both keep actors whole; the order of the folds is theirs, counted from 0.
 */
import { DataError } from '@prosodia/core';
import { compareCodePoints } from '../labels.ts';

/** Test actors of each fold. */
export const RAVDESS_FOLDS = {
  'emobox-6fold': [
    [1, 11, 20, 21],
    [4, 10, 12, 14],
    [8, 9, 19, 23],
    [3, 5, 7, 24],
    [2, 15, 16, 18],
    [6, 13, 17, 22],
  ],
  'luna-jimenez-5fold': [
    [2, 5, 14, 15, 16],
    [3, 6, 7, 13, 18],
    [10, 11, 12, 19, 20],
    [8, 17, 21, 23, 24],
    [1, 4, 9, 22],
  ],
} as const satisfies Record<string, readonly (readonly number[])[]>;

export type RavdessPreset = keyof typeof RAVDESS_FOLDS;

/**
 * The test fold of each speaker. A speaker's actor number is the digits its name ends with: `7`, `07`, `Actor_07`.
 *
 * @throws DataError if the speakers are not exactly the 24 actors
 */
export function presetFolds(preset: RavdessPreset, speakers: Iterable<string>): Map<string, number> {
  const folds = RAVDESS_FOLDS[preset];
  const missing = new Set<number>(folds.flat());
  const strangers: string[] = [];
  const foldOf = new Map<string, number>();
  for (const speaker of [...new Set(speakers)].sort(compareCodePoints)) {
    const actor = Number(/\d+$/.exec(speaker)?.[0] ?? NaN);
    if (missing.delete(actor))
      foldOf.set(
        speaker,
        folds.findIndex((actors) => (actors as readonly number[]).includes(actor)),
      );
    else strangers.push(speaker);
  }
  if (missing.size > 0 || strangers.length > 0) {
    const lists = [
      ...(missing.size > 0 ? [`no actor ${[...missing].sort((a, b) => a - b).join(', ')}`] : []),
      ...(strangers.length > 0 ? [`other speakers: ${strangers.slice(0, 10).join(', ')}`] : []),
    ];
    throw new DataError({
      problem: `split scheme ${preset} does not fit the speakers of this corpus`,
      expected: 'the 24 actors of RAVDESS, each once',
      got: lists.join('; '),
      fix: 'use group-kfold, which works for any corpus',
    });
  }
  return foldOf;
}
