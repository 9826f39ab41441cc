/** Moves a signal in time, within its length. */

/** `samples` later by `by` samples (earlier if below 0); the other end takes in silence or what went out. */
export function shift(samples: Float32Array, by: number, fill: 'silence' | 'roll'): Float32Array {
  const { length } = samples;
  const out = new Float32Array(length);
  if (length === 0) return out;
  const start = ((by % length) + length) % length;
  if (fill === 'roll') {
    out.set(samples.subarray(0, length - start), start);
    out.set(samples.subarray(length - start));
  } else if (by >= 0 && by < length) out.set(samples.subarray(0, length - by), by);
  else if (by < 0 && -by < length) out.set(samples.subarray(-by));
  return out;
}
