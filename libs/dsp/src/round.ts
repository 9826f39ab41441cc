/** Rounding to the nearest integer, a half to its even neighbour: Python's and numpy's rule. */
export function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  return x - down === 0.5 ? down + (Math.abs(down) % 2) : Math.round(x);
}
