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
  // One item after the other asks for the same: a comparison is quicker than a key.
  let lastArgs: Args | undefined;
  let lastPlan: Plan;
  const remembered = (args: Args, plan: Plan) => {
    lastArgs = args;
    return (lastPlan = plan);
  };
  return (...args) => {
    if (lastArgs && args.length === lastArgs.length && args.every((value, k) => value === lastArgs![k]))
      return lastPlan;
    const key = args.join();
    const known = plans.get(key);
    if (known !== undefined) {
      plans.delete(key);
      plans.set(key, known);
      return remembered(args, known);
    }
    const plan = build(...args);
    plans.set(key, plan);
    if (plans.size > limit) plans.delete(plans.keys().next().value!);
    return remembered(args, plan);
  };
}
