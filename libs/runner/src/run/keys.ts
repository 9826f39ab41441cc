/** The cache key of a stage instance, from what its result depends on and nothing else. */
import type { DeviceClass, ExternalState } from '@prosodia/core';
import type { Instance } from '../pipeline/plan.ts';
import { hashOf } from '../store/canonical.ts';
import { HASH_FORMAT, type KeyParts, type Manifest } from '../store/manifest.ts';

export interface KeyContext {
  code: string;
  device: DeviceClass;
  external?: ExternalState;
  /** Finished results of the instances it needs. */
  results: ReadonlyMap<string, Manifest>;
}

export function keyParts(instance: Instance, { code, device, external, results }: KeyContext): KeyParts {
  const { stage } = instance;
  const inputs = Object.fromEntries(
    stage.inputs.map(({ name, arity }) => [
      name,
      (instance.inputs[name] ?? []).map((reference) => {
        const { digest } = results.get(reference.instance)!.outputs[reference.output]!;
        // Names of several inputs reach the stage (and, say, a legend), so they are part of its result.
        return arity === 'many' ? `${reference.from ?? reference.instance}:${digest}` : digest;
      }),
    ]),
  );
  return {
    format: HASH_FORMAT,
    stage: stage.name,
    code,
    params: instance.params,
    inputs,
    ...(stage.seeded ? { seed: instance.seed } : {}),
    ...(stage.device ? { device } : {}),
    ...(external ? { external: external.digest } : {}),
  };
}

export function keyOf(parts: KeyParts): string {
  return hashOf(parts);
}
