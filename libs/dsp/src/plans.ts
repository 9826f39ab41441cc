/**
 * Plans: whatever depends on parameters alone (twiddles, windows, filter banks) is made once and kept.
 *
 * A corpus is thousands of short segments with one set of parameters, so the second call on pays nothing.
 * The least recently used plan is dropped when a cache is full, so memory stays bounded under a sweep.
 */

/** A function that remembers its last `limit` distinct results by the key of its arguments. */
export function planCache<Args extends readonly unknown[], Plan>(
  build: (...args: Args) => Plan,
  limit = 32,
): (...args: Args) => Plan {
  const plans = new Map<string, Plan>();
  return (...args) => {
    const key = args.join();
    const known = plans.get(key);
    if (known !== undefined) {
      plans.delete(key);
      plans.set(key, known);
      return known;
    }
    const plan = build(...args);
    plans.set(key, plan);
    if (plans.size > limit) plans.delete(plans.keys().next().value!);
    return plan;
  };
}
