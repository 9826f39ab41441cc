/** The device class of a run, from its `device` variable. */
import { type DeviceClass, RequestError } from '@prosodia/core';
import type { Plan } from '../pipeline/plan.ts';

const CLASSES: readonly DeviceClass[] = ['cpu', 'webgpu', 'cuda'];

/** What is said of a device that was chosen, not asked for. */
export const AUTO_REASON =
  'device auto is the cpu, where the same seed gives the same bytes (--device=webgpu or cuda asks for a GPU)';

/** `auto` is the CPU: it gives the same bytes everywhere; a GPU is asked for by name. */
export function deviceOf(plan: Plan): DeviceClass {
  if (isAutomatic(plan)) return 'cpu';
  const wanted = String(plan.vars['device']);
  const found = CLASSES.find((device) => device === wanted);
  if (found) return found;
  throw new RequestError({
    problem: 'there is no such device',
    expected: `one of: auto, ${CLASSES.join(', ')}`,
    got: wanted,
    where: 'variable device',
  });
}

export function isAutomatic(plan: Plan): boolean {
  return (plan.vars['device'] ?? 'auto') === 'auto';
}
