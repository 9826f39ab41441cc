/** Files of a new stage: one that works, passes the conformance suite, and shows where things go. */

export function stageFiles(name: string): Record<string, string> {
  return { [`stages/${name}/stage.ts`]: definition(name), [`stages/${name}/${name}.test.ts`]: test(name) };
}

const definition = (
  name: string,
): string => `/** Multiplies each item by a gain. Say here what the stage does, and why it does it this way. */
import { Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { AudioTable } from '@prosodia/tables';

export default defineStage({
  name: '${name}',
  summary: 'Multiplies each item by a gain.',
  params: Type.Object({
    gain: Type.Number({ default: 1, exclusiveMinimum: 0, description: 'Factor for every sample.' }),
  }),
  inputs: { audio: AudioTable },
  outputs: { audio: AudioTable },

  async run({ params, inputs, outputs, signal, progress }) {
    const total = await inputs.audio.count();
    let done = 0;
    for await (const item of inputs.audio.rows()) {
      throwIfCancelled(signal);
      await outputs.audio.append({ ...item, samples: item.samples.map((sample) => sample * params.gain) });
      progress(++done, total, 'items');
    }
  },
});
`;

const test = (
  name: string,
): string => `import { audioOf, describeStage, toyClips, useWorkbench } from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { audio: audioOf(clips) } }),
  empty: 'works',
  one_row: 'works',
});

describe('${name}', () => {
  const bench = useWorkbench();

  it('multiplies every sample and leaves the rest of a row as it is', async () => {
    const inputs = { audio: audioOf(toyClips({ clips: 2 })) };
    const before = await (await bench.run(stage, { params: { gain: 1 }, inputs })).outputs.audio.all();
    const after = await (await bench.run(stage, { params: { gain: 0.5 }, inputs })).outputs.audio.all();
    expect(after).toEqual(before.map((row) => ({ ...row, samples: row.samples.map((sample) => sample * 0.5) })));
  });
});
`;
