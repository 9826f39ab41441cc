/** Which instances are ready: each is offered once everything it needs is there. Linear in the size of the plan. */
import type { Instance } from '../pipeline/plan.ts';

export class Queue {
  /** Ready and not yet taken, in the order of the plan. */
  readonly ready = new Set<Instance>();
  readonly #known = new Set<string>();
  readonly #done = new Set<string>();
  /** Not ready, with the number of instances that each still waits for. */
  readonly #waiting = new Map<Instance, number>();
  readonly #dependents = new Map<string, Instance[]>();

  /** Adds the instances of a plan that are not known yet, and returns their names. */
  add(instances: readonly Instance[]): string[] {
    const added: string[] = [];
    for (const instance of instances) {
      if (this.#known.has(instance.name)) continue;
      this.#known.add(instance.name);
      added.push(instance.name);
      const missing = instance.needs.filter((need) => !this.#done.has(need));
      if (missing.length === 0) this.ready.add(instance);
      else this.#waiting.set(instance, missing.length);
      for (const need of missing) {
        const dependents = this.#dependents.get(need);
        if (dependents) dependents.push(instance);
        else this.#dependents.set(need, [instance]);
      }
    }
    return added;
  }

  /** Takes an instance out for good, for example because it has been started. */
  take(instance: Instance): void {
    this.ready.delete(instance);
  }

  /** Notes a result. */
  done(name: string): void {
    this.#done.add(name);
    for (const dependent of this.#dependents.get(name) ?? []) {
      const left = this.#waiting.get(dependent)! - 1;
      if (left > 0) {
        this.#waiting.set(dependent, left);
        continue;
      }
      this.#waiting.delete(dependent);
      this.ready.add(dependent);
    }
    this.#dependents.delete(name);
  }

  /** Everything that was added and not taken. */
  get left(): Instance[] {
    return [...this.ready, ...this.#waiting.keys()];
  }
}
