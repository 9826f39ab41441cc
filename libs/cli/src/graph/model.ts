/** A pipeline as a graph to look at: one node per stage, or per instance, with what a run would do with it. */
import type { Plan, StageStatus } from '@prosodia/runner';

export type NodeStatus = StageStatus['status'];

export interface GraphNode {
  name: string;
  /** The stage that it uses. */
  uses: string;
  /** Instances that it stands for; undefined while that is not known. */
  count: number | undefined;
  /** Axes over which it fans out. */
  axes: string[];
  status: NodeStatus;
  /** Nodes that come before it. */
  needs: string[];
}

/**
 * @param expand one node per instance, as far as they are known
 * @returns nodes in an order in which each comes after all it needs
 */
export function graphOf(plan: Plan, statuses: readonly StageStatus[], expand: boolean): GraphNode[] {
  const byName = new Map(statuses.map(({ stage, status }) => [stage, status]));
  const unplanned = new Set(plan.pending.map(({ template }) => template));
  return plan.outline.flatMap(({ name, uses, axes, needs }): GraphNode[] => {
    const instances = plan.instances.filter(({ template }) => template === name);
    if (expand && !unplanned.has(name)) {
      return instances.map((instance) => ({
        name: instance.name,
        uses: instance.stage.name,
        count: 1,
        axes: [],
        status: byName.get(instance.name) ?? 'maybe',
        needs: instance.needs,
      }));
    }
    const own = instances.map((instance) => byName.get(instance.name) ?? 'maybe');
    const status = unplanned.has(name) ? 'maybe' : (['run', 'maybe', 'cached'] as const).find((s) => own.includes(s))!;
    // Instances that a pending stage will take are not known one by one.
    const before = expand
      ? plan.instances.filter(({ template }) => needs.includes(template)).map((instance) => instance.name)
      : needs;
    const count = unplanned.has(name) ? undefined : instances.length;
    return [{ name, uses: uses.join(' | '), count, axes, status, needs: before }];
  });
}
