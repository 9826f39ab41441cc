/**
 * What the figure would have been on the rows that chose the best epoch or trial.
 *
 * Several published recipes report such rows as their result. Beside the figure on rows that chose nothing, it shows how
 * much of a difference to them is the protocol's doing.
 */
import type { ManyItem } from '@prosodia/core';
import type { ClipRow, PredictionReader } from '@prosodia/tables';
import { gather } from './rows.ts';
import { type Headline, headline } from './scores.ts';

/** @returns null if the predictions hold no rows that something was selected with */
export async function scoreSelectionRows(
  tables: readonly ManyItem<PredictionReader>[],
  clips: ReadonlyMap<string, ClipRow>,
): Promise<Headline | null> {
  for (const { artifact } of tables) {
    const { rows } = await artifact.all();
    // Rows that were fitted on say nothing here, and one such row makes the whole not comparable.
    if (rows.some(({ role, seen }) => role === 'validation' && seen === 'fitted')) return null;
    if (!rows.some(({ role, seen }) => role === 'validation' && seen === 'selected')) return null;
  }
  const { truth, predicted, labels } = await gather(tables, 'validation', clips);
  return headline(truth, predicted, labels);
}
