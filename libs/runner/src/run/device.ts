/** The device class of a run, from its `device` variable. */
import { type DeviceClass, RequestError } from '@prosodia/core';
import type { Plan } from '../pipeline/resolve.ts';

const CLASSES: readonly DeviceClass[] = ['cpu', 'webgpu', 'cuda'];

/** `auto` is the CPU: it gives the same bytes everywhere; a GPU is asked for by name. */
export function deviceOf(plan: Plan): DeviceClass {
  const wanted = String(plan.vars['device'] ?? 'auto');
  if (wanted === 'auto') return 'cpu';
  const found = CLASSES.find((device) => device === wanted);
  if (found) return found;
  throw new RequestError({
    problem: 'there is no such device',
    expected: `one of: auto, ${CLASSES.join(', ')}`,
    got: wanted,
    where: 'variable device',
  });
}
