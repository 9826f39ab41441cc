/** Round numbers on axes. */

/**
 * Tick positions inside [low, high] at a step of 1, 2, 2.5 or 5 times a power of ten, about `count` of them.
 * With `whole`, steps below 1 are not used.
 */
export function niceTicks(low: number, high: number, count = 5, whole = false): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const step = niceStep(span / Math.max(1, count), whole);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Multiplied from whole numbers and rounded, so that 3 x 0.1 is 0.3.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The range widened to whole ticks. An empty range is widened around its value. */
export function niceRange(low: number, high: number, count = 5): [number, number] {
  if (!(high > low)) {
    const room = low === 0 ? 1 : Math.abs(low) / 2;
    return niceRange(low - room, low + room, count);
  }
  const step = niceStep((high - low) / Math.max(1, count), false);
  const round = (value: number) => Number((value * step).toPrecision(12));
  return [round(Math.floor(low / step + 1e-9)), round(Math.ceil(high / step - 1e-9))];
}

function niceStep(raw: number, whole: boolean): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const fraction = raw / power;
  const step = power * (fraction < 1.4 ? 1 : fraction < 2.2 ? 2 : fraction < 3.5 ? 2.5 : fraction < 7 ? 5 : 10);
  return whole ? Math.max(1, Math.round(step)) : step;
}

/** Labels with the same number of decimals on all ticks, as few as tell them apart. */
export function tickLabels(ticks: readonly number[]): string[] {
  if (ticks.some((tick) => Math.abs(tick) >= 1e5 || (tick !== 0 && Math.abs(tick) < 1e-4))) {
    return ticks.map((tick) => (tick === 0 ? '0' : tick.toExponential(1).replace('.0e', 'e').replace('e+', 'e')));
  }
  for (let decimals = 0; decimals < 6; decimals++) {
    const labels = ticks.map((tick) => tick.toFixed(decimals));
    if (labels.every((label, i) => Math.abs(Number(label) - ticks[i]!) < 1e-9)) return labels;
  }
  return ticks.map(String);
}

/** `0.0734` as `7 %`, with more decimals on request; the space does not break. */
export function percent(share: number, decimals = 0): string {
  return `${(share * 100).toFixed(decimals)}\u00a0%`;
}
