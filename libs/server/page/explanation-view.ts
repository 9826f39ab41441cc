/** An explanation in words and numbers, for those who do not see the picture, and for those who do. */
import { make } from './dom.ts';
import type { Cell, Explanation } from './explanation.ts';
import { percent, seconds } from './wording.ts';

const SHOWN = 5;

export function explanationView({ label, probability, start_s, end_s, cells }: Explanation): HTMLElement {
  const strongest = cells
    .filter(({ drop }) => Math.abs(drop) >= 0.005)
    .sort((a, b) => Math.abs(b.drop) - Math.abs(a.drop))
    .slice(0, SHOWN);
  const what = `From ${seconds(start_s)} to ${seconds(end_s)} the model says ${label} with ${percent(probability)}.`;
  if (strongest.length === 0) {
    return make('p', {}, `${what} No single part changes that by half a point or more.`);
  }
  return make(
    'div',
    {},
    make(
      'p',
      {},
      `${what} In the spectrogram, a solid frame with + is a part that speaks for ${label}, a dashed one with − a part that speaks against it; the number is how many points the probability changes without it.`,
    ),
    make(
      'table',
      {},
      make('caption', {}, 'The strongest parts'),
      make(
        'thead',
        {},
        make('tr', {}, ...['Time', 'Frequency', 'Speaks', 'Points'].map((text) => make('th', { scope: 'col' }, text))),
      ),
      make('tbody', {}, ...strongest.map(row)),
    ),
  );
}

function row({ start_s, end_s, low_hz, high_hz, drop }: Cell): HTMLElement {
  const cells = [
    `${seconds(start_s)} to ${seconds(end_s)}`,
    `${Math.round(low_hz)} to ${Math.round(high_hz)} Hz`,
    drop > 0 ? 'for' : 'against',
    (100 * Math.abs(drop)).toFixed(1),
  ];
  return make('tr', {}, ...cells.map((text) => make('td', {}, text)));
}
