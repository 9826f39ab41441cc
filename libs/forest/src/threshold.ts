/**
 * Thresholds as float32, without changing which float32 values pass them.
 *
 * scikit-learn keeps the midpoint of two neighbouring values in double precision. For a float32 `x`,
 * `x <= t` is the same as `x <= floatBelow(t)`, so storing the next float32 at or below loses nothing,
 * and a model file with float32 thresholds splits exactly as training did.
 */

const float = new Float32Array(1);
const bits = new Int32Array(float.buffer);

/** The greatest float32 <= `value`; `value` is within the range of float32. */
export function floatBelow(value: number): number {
  float[0] = value;
  if (float[0]! > value) {
    if (float[0]! > 0) bits[0]!--;
    else bits[0]!++;
  }
  return float[0]!;
}

/** A float32 threshold `t` with `low <= t < high`, at the middle; both are float32 and `low < high`. */
export function midpoint(low: number, high: number): number {
  return floatBelow(low / 2 + high / 2);
}
