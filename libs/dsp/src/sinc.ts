/** Values and peaks of a sampled curve between its samples. */

/**
 * The curve through samples taken symmetric about 0 (x[-k] = x[k], as an autocorrelation is), at a position
 * between samples, by a sinc of `depth` samples to either side under a Hann taper.
 */
export function sincAt(x: Float64Array, position: number, depth: number): number {
  const below = Math.floor(position);
  const share = position - below;
  if (share === 0) return x[Math.abs(below)] ?? 0;
  return side(x, below, -1, share, depth) + side(x, below + 1, 1, 1 - share, depth);
}

/** The samples from `first` on in one direction, the first of them `distance` away. */
function side(x: Float64Array, first: number, direction: number, distance: number, depth: number): number {
  const sine = Math.sin(Math.PI * distance) / Math.PI;
  const turn = Math.PI / (depth + 1);
  // Cosines of equal steps follow from two: cos(a + b) = 2 cos(a) cos(b) - cos(a - b).
  const twice = 2 * Math.cos(turn);
  let taper = Math.cos(turn * distance);
  let before = Math.cos(turn * (distance - 1));
  let sum = 0;
  let sign = sine;
  for (let k = 0; k < depth; k++) {
    const at = Math.abs(first + direction * k);
    if (at < x.length) sum += (x[at]! * sign * (0.5 + 0.5 * taper)) / (distance + k);
    sign = -sign;
    const next = twice * taper - before;
    before = taper;
    taper = next;
  }
  return sum;
}

/** How far from the middle one the parabola through three values at distance 1 has its extremum, and its height. */
export function parabolaPeak(before: number, here: number, after: number): { shift: number; height: number } {
  const slope = 0.5 * (after - before);
  const bend = 2 * here - before - after;
  if (bend === 0) return { shift: 0, height: here };
  return { shift: slope / bend, height: here + (0.5 * slope * slope) / bend };
}

/**
 * The peak of the interpolated curve near a position: a parabola through values of the curve close together, and
 * again where the peak turns out to be farther than they are.
 */
export function sincPeak(x: Float64Array, position: number, depth: number): { at: number; height: number } {
  const step = 0.05;
  let at = position;
  for (let round = 1; ; round++) {
    const { shift, height } = parabolaPeak(
      sincAt(x, at - step, depth),
      sincAt(x, at, depth),
      sincAt(x, at + step, depth),
    );
    at += step * Math.min(Math.max(shift, -10), 10);
    if (Math.abs(shift) <= 1 || round === 5) return { at, height };
  }
}
