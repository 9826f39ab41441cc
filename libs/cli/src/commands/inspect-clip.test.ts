/** Which audio the features of a run were computed from. */
import { describe, expect, it } from 'vitest';
import { type Artifact, audioBehind } from './inspect-clip.ts';

const artifact = (stage: string, output: string, kind: string): Artifact => ({
  ...{ stage, output, kind },
  bytes: 1,
  folder: `${stage}/${output}`,
});

const step = (...from: string[]) => ({ uses: 'any', with: {}, seed: 1, from: { input: from } });

describe('the audio behind features', () => {
  const all = [
    artifact('audio', 'audio', 'audio'),
    artifact('loud[gain=0.5]', 'audio', 'audio'),
    artifact('loud[gain=1.5]', 'audio', 'audio'),
    artifact('raw[gain=1.5]', 'features', 'features'),
    artifact('scaled[gain=1.5]', 'features', 'features'),
  ];
  const resolved = {
    'raw[gain=1.5]': step('loud[gain=1.5].audio'),
    'scaled[gain=1.5]': step('raw[gain=1.5].features'),
    plain: step('audio.audio'),
  };

  it('is found through stages whose labels hold dots', () => {
    expect(audioBehind('scaled[gain=1.5]', all, { resolved })?.stage).toBe('loud[gain=1.5]');
  });

  it('is that of the stage before', () => {
    expect(audioBehind('plain', all, { resolved })?.stage).toBe('audio');
  });

  it('is none for features that came from elsewhere', () => {
    expect(audioBehind('elsewhere', all, { resolved })).toBeUndefined();
  });
});
