import {
  audioOf,
  audioRow,
  clipsOf,
  describeStage,
  rowsOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  toys: { clips: 4 },
  fixture: (clips) => ({ inputs: { clips: clipsOf(clips), audio: audioOf(clips) } }),
  empty: 'works',
  one_row: 'works',
});

describe('picture-corpus', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 8 });
  const run = (params = {}) => bench.run(stage, { params, inputs: { clips: clipsOf(clips), audio: audioOf(clips) } });

  it('draws balance, speakers, durations and one clip of each label, as SVG and PNG', async () => {
    const { files, outputs, metrics } = await run();
    const names = ['balance', 'clip-angry', 'clip-happy', 'durations', 'speakers'];
    expect([...files.keys()].sort()).toEqual(
      names.flatMap((name) => [`pictures/${name}.png`, `pictures/${name}.svg`]).sort(),
    );
    expect(metrics).toEqual({ clips: 8, labels: 2, speakers: 4, drawn: 2 });
    const text = async (name: string) => new TextDecoder().decode(await outputs.pictures.bytes(name));
    expect(await text('balance.svg')).toContain('angry: 4');
    expect(await text('clip-happy.svg')).toMatch(/happy: toy\/001[^]*mel spectrogram/);
  });

  it('draws clips of one speaker that has every label', async () => {
    const mixed = clips.map((clip, i) => ({ ...clip, speaker: i === 0 ? 'lone' : clip.speaker }));
    const inputs = { clips: clipsOf(mixed), audio: rowsOf(mixed.map((clip) => audioRow(clip))) };
    const { outputs } = await bench.run(stage, { inputs });
    const svg = new TextDecoder().decode(await outputs.pictures.bytes('clip-angry.svg'));
    expect(svg).not.toContain(mixed[0]!.clip_id);
    expect(svg).toContain(mixed[2]!.clip_id);
  });

  it('refuses a label that clips do not have, and names the clip', async () => {
    await expect(run({ label: 'mood' })).rejects.toThrow(/a clip has no mood[^]*toy\/000/);
  });
});
