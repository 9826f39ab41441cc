/** The conformance suite and its workbench as vitest tests. */
import { afterAll, describe, expect, it } from 'vitest';
import type { ArtifactKind, InputSpec, StageDefinition, TObject } from '@prosodia/core';
import { Workbench } from './bench.ts';
import type { StageCases } from './cases.ts';
import { stageChecks } from './checks.ts';

/** A workbench for the tests of this file; its folders are removed after them. */
export function useWorkbench(): Workbench {
  const bench = new Workbench();
  afterAll(() => bench.close());
  return bench;
}

/** Declares one test for each promise of a stage. */
export function describeStage<
  P extends TObject,
  I extends Record<string, InputSpec>,
  O extends Record<string, ArtifactKind>,
  State,
>(stage: StageDefinition<P, I, O, State>, cases: StageCases<I, O>): void {
  describe(`${stage.name} as a stage`, () => {
    const bench = useWorkbench();
    for (const { name, run } of stageChecks(stage, cases, bench)) {
      it(name, async () => expect(await run()).toEqual([]));
    }
  });
}
