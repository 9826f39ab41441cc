/** Stages that exist in name only: enough of a catalogue for tests to plan pipelines with. */
import { Type } from '@prosodia/core';
import type { StageInfo } from '../catalogue/info.ts';

export const kind = (id: string) => ({ id, summary: `some ${id}`, columns: [] });

function stage(name: string, info: Partial<StageInfo>): [string, StageInfo] {
  const params = Type.Object({}, { additionalProperties: false });
  const base = { summary: '', details: '', source: '', seeded: false, device: false, fits: false, resources: {} };
  return [name, { name, ...base, params, inputs: [], outputs: [], ...info }];
}

export const CATALOGUE = new Map<string, StageInfo>([
  stage('read', {
    params: Type.Object(
      { corpus: Type.String({ description: 'Which corpus.' }), limit: Type.Integer({ default: 10, minimum: 1 }) },
      { additionalProperties: false },
    ),
    outputs: [{ name: 'clips', kind: kind('clips') }],
  }),
  stage('scale', {
    params: Type.Object(
      {
        kind: Type.Union([Type.Literal('standard'), Type.Literal('robust')], { default: 'standard' }),
        options: Type.Object({ deep: Type.Number({ default: 0.5 }) }, { additionalProperties: false, default: {} }),
        on: Type.Boolean({ default: true }),
      },
      { additionalProperties: false },
    ),
    inputs: [{ name: 'clips', kind: kind('clips'), arity: 'one' }],
    outputs: [
      { name: 'features', kind: kind('features') },
      { name: 'more', kind: kind('features') },
      { name: 'scaler', kind: kind('transform') },
    ],
    seeded: true,
  }),
  stage('vote', {
    inputs: [
      { name: 'members', kind: kind('features'), arity: 'many' },
      { name: 'clips', kind: kind('clips'), arity: 'optional' },
    ],
    outputs: [{ name: 'features', kind: kind('features') }],
  }),
]);
