import { type Role, Rng } from '@prosodia/core';
import {
  type ToyAudioRow,
  type ToyClip,
  audioOf,
  audioRow,
  clipsOf,
  describeStage,
  rowsOf,
  splitOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';
import { TRANSFORM_NAMES, applyTransform } from './transforms.ts';

const EACH = [
  { pitch_shift: { n_steps: [-2, 2] } },
  { time_stretch: { rate: [0.8, 1.2] } },
  { noise: { snr_db: [15, 30] } },
  { gain: { db: [-6, 6] } },
  { shift: { seconds: [-0.3, 0.3] } },
];

describeStage(stage, {
  toys: { clips: 8 },
  fixture: (clips) => ({ params: { copies: 2 }, inputs: { audio: audioOf(clips), split: splitOf(clips) } }),
  empty: 'works',
  one_row: 'works',
  badParams: [
    { params: { transforms: [{ noise: { snr_db: [15] } }] }, path: 'transforms.0.noise.snr_db' },
    { params: { transforms: [{ shift: { fill: 'zeros' } }] }, path: 'transforms.0.shift.fill' },
  ],
});

describe('augment', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 8 });
  const run = async (params: Record<string, unknown>, rows: readonly ToyAudioRow[] = clips.map((c) => audioRow(c))) => {
    const { outputs } = await bench.run(stage, { params, inputs: { audio: rowsOf(rows), split: splitOf(clips) } });
    return outputs.audio.all();
  };

  it('copies training items only, and hands every item on as it is', async () => {
    const rows = await run({ copies: 2, transforms: EACH });
    const roles = new Map<string, Role>(clips.map(({ clip_id, role }) => [clip_id, role]));
    const originals = rows.filter(({ augmentation }) => augmentation === null);
    expect(originals).toEqual(clips.map((clip) => audioRow(clip)));
    const copies = rows.filter(({ augmentation }) => augmentation !== null);
    expect(copies).toHaveLength(2 * clips.filter(({ role }) => role === 'train').length);
    for (const { clip_id, item_id, parent_item_id } of copies) {
      expect(roles.get(clip_id)).toBe('train');
      expect(parent_item_id).toBe(clip_id);
      expect(item_id).toMatch(/^toy\/\d+\+[12]$/);
    }
  });

  it('takes no role from another fold, and refuses a fold that is not there', async () => {
    await expect(run({ fold: 1 })).rejects.toThrow('the split has no fold 1');
  });

  it('changes each copy in another way, with other numbers for other items, and records them', async () => {
    const copies = (await run({ copies: 5, transforms: EACH })).filter(({ augmentation }) => augmentation !== null);
    const byClip = groupBy(copies);
    const gains: number[] = [];
    for (const own of byClip.values()) {
      expect(own.map(({ augmentation }) => augmentation).sort()).toEqual(
        ['gain', 'noise', 'pitch_shift', 'shift', 'time_stretch'], // prettier-ignore
      );
      expect(new Set(own.map(({ samples }) => samples.join())).size).toBe(5);
      for (const { augmentation, augmentation_params, seed, start_s, end_s, samples, sample_rate } of own) {
        const spec = EACH.find((candidate) => augmentation! in candidate)!;
        const [[name, [low, high]]] = Object.entries(Object.values(spec)[0] as Record<string, [number, number]>) as [
          [string, [number, number]],
        ];
        const [step] = JSON.parse(augmentation_params!) as [Record<string, Record<string, number>>];
        const drawn = step[augmentation!]![name]!;
        expect(drawn).toBeGreaterThanOrEqual(low);
        expect(drawn).toBeLessThan(high);
        expect(seed).toEqual(expect.any(Number));
        expect([start_s, end_s]).toEqual([0, samples.length / sample_rate]);
        if (augmentation === 'gain') gains.push(drawn);
        if (augmentation === 'time_stretch') expect(samples.length).toBe(Math.round(4000 / drawn));
        else expect(samples.length).toBe(4000);
      }
    }
    expect(new Set(gains).size).toBe(gains.length);
  });

  it('starts over when there are more copies than transforms, with new numbers', async () => {
    const copies = (await run({ copies: 3, transforms: [{ gain: { db: [-6, 6] } }] })).slice(1, 4);
    expect(new Set(copies.map(({ augmentation_params }) => augmentation_params)).size).toBe(3);
  });

  it('gives an item the same copies whatever items come before it', async () => {
    const rows = clips.map((clip) => audioRow(clip));
    const params = { copies: 2, transforms: EACH.slice(2) };
    const byId = (list: { item_id: string }[]) => [...list].sort((a, b) => (a.item_id < b.item_id ? -1 : 1));
    expect(byId(await run(params, [...rows].reverse()))).toEqual(byId(await run(params, rows)));
    const alone = await run(params, [rows[3]!]);
    expect(byId(await run(params, rows))).toEqual(expect.arrayContaining(alone));
  });
});

describe('the choice of transforms', () => {
  const bench = useWorkbench();
  const clips = toyClips({ clips: 8 });
  const run = async (params: Record<string, unknown>) => {
    const inputs = { audio: audioOf(clips), split: splitOf(clips), clips: clipsOf(clips) };
    const { outputs } = await bench.run(stage, { params, inputs });
    return (await outputs.audio.all()).filter(({ augmentation }) => augmentation !== null);
  };
  const all = TRANSFORM_NAMES.map((name) => ({ [name]: {} }));

  it('makes one copy per transform, in the order listed', async () => {
    const copies = await run({ copies: 'each', transforms: all });
    for (const own of groupBy(copies).values()) {
      expect(own.map(({ augmentation }) => augmentation)).toEqual(TRANSFORM_NAMES);
      for (const { samples } of own) expect(samples.every(Number.isFinite)).toBe(true);
    }
  });

  it('applies k of them, or all, one after another, and records each with its numbers', async () => {
    const transforms = [{ gain: {} }, { noise: {} }, { shift: {} }, { codec: {} }];
    const pairs = await run({ copies: 4, choose: 2, transforms });
    const places = transforms.map((spec) => Object.keys(spec)[0]!);
    expect(new Set(pairs.map(({ augmentation }) => augmentation)).size).toBeGreaterThan(2);
    for (const { augmentation, augmentation_params } of pairs) {
      const names = augmentation!.split('+');
      expect(names).toHaveLength(2);
      expect(places.indexOf(names[0]!)).toBeLessThan(places.indexOf(names[1]!));
      const steps = JSON.parse(augmentation_params!) as Record<string, Record<string, number>>[];
      expect(steps.map((step) => Object.keys(step)[0])).toEqual(names);
    }
    const whole = await run({ copies: 1, choose: 'all', transforms });
    for (const { augmentation } of whole) expect(augmentation).toBe('gain+noise+shift+codec');
  });

  describe('items that are broken', () => {
    const training = clips.find(({ role }) => role === 'train')!;
    const rows = clips.map((clip) =>
      clip === training ? { ...audioRow(clip), samples: Float32Array.of(0, NaN, 0.5) } : audioRow(clip),
    );

    it('stop the stage, which names them', async () => {
      const inputs = { audio: rowsOf(rows), split: splitOf(clips) };
      await expect(bench.run(stage, { params: { transforms: [{ gain: {} }] }, inputs })).rejects.toThrow(
        new RegExp(`item ${training.clip_id}: a sample is not a finite number[^]*NaN at 1`),
      );
    });

    it('are left out on request with their copies, each listed with its reason', async () => {
      const params = { transforms: [{ gain: {} }], copies: 1, on_error: 'skip' };
      const inputs = { audio: rowsOf(rows), split: splitOf(clips) };
      const { outputs, notices } = await bench.run(stage, { params, inputs });
      const left = await outputs.audio.all();
      expect(left.filter(({ clip_id }) => clip_id === training.clip_id)).toEqual([]);
      expect(left.filter(({ augmentation }) => augmentation === null)).toHaveLength(clips.length - 1);
      expect(JSON.stringify(notices)).toMatch(new RegExp(`${training.clip_id}.*not a finite number`));
    });
  });

  it('refuses more transforms than there are, and noise of two levels', async () => {
    await expect(run({ choose: 6 })).rejects.toThrow(/at most 5[^]*choose: 6/);
    await expect(run({ copies: 'each', choose: 2 })).rejects.toThrow(/one transform/);
    await expect(run({ transforms: [{ noise: { snr_db: [1, 2], amplitude: [0, 1] } }] })).rejects.toThrow(/both/);
  });
});

describe('balance', () => {
  const bench = useWorkbench();
  const clips = [
    ...Array.from({ length: 7 }, (_, i) => toy(`a${i}`, 'angry')),
    ...Array.from({ length: 3 }, (_, i) => toy(`b${i}`, 'calm')),
    ...Array.from({ length: 2 }, (_, i) => toy(`c${i}`, 'sad')),
    { ...toy('t0', 'sad'), role: 'test' as const },
  ];
  const run = async (params: Record<string, unknown>, given = clips) => {
    const inputs = { audio: audioOf(given), split: splitOf(clips), clips: clipsOf(clips) };
    const { outputs } = await bench.run(stage, { params: { transforms: [{ gain: {} }], ...params }, inputs });
    const rows = await outputs.audio.all();
    return { copies: rows.filter(({ augmentation }) => augmentation !== null), rows };
  };
  const classes = (rows: readonly { clip_id: string }[]) => {
    const counts: Record<string, number> = {};
    for (const { clip_id } of rows) counts[clip_id[4]!] = (counts[clip_id[4]!] ?? 0) + 1;
    return counts;
  };

  it('brings minority classes up to the largest, spread evenly over their items', async () => {
    const { copies, rows } = await run({ balance: {} });
    expect(classes(rows)).toEqual({ a: 7, b: 7, c: 7, t: 1 });
    const perItem = [...groupBy(copies).values()].map(({ length }) => length);
    expect(perItem.sort()).toEqual([1, 1, 2, 2, 3]);
  });

  it('takes a target, and leaves larger classes as they are', async () => {
    const { rows } = await run({ balance: { to: 5 } });
    expect(classes(rows)).toEqual({ a: 7, b: 5, c: 5, t: 1 });
  });

  it('gives an item the same copies whatever the order', async () => {
    const ids = async (given: typeof clips) =>
      (await run({ balance: {} }, given)).copies
        .map(({ item_id, augmentation_params }) => [item_id, augmentation_params])
        .sort();
    expect(await ids([...clips].reverse())).toEqual(await ids(clips));
  });

  it('asks for the labels it needs', async () => {
    const inputs = { audio: audioOf(clips), split: splitOf(clips) };
    await expect(bench.run(stage, { params: { balance: {} }, inputs })).rejects.toThrow(/add clips to the inputs/);
  });
});

describe('applyTransform', () => {
  const sr = 8000;
  const [clip] = toyClips();
  const { samples } = audioRow(clip!);
  const apply = (spec: Parameters<typeof applyTransform>[2], seed = 1) =>
    applyTransform(samples, sr, spec, new Rng(seed));

  it('adds noise at the ratio drawn', () => {
    for (const snr_db of [0, 15, 30]) {
      const { samples: noisy, drawn } = apply({ noise: { color: 'white', snr_db: [snr_db, snr_db] } });
      expect(drawn).toEqual({ color: 'white', snr_db });
      const noise = noisy.map((sample, i) => sample - samples[i]!);
      // 4,000 draws give the power of the noise within a few percent.
      expect(10 * Math.log10(power(samples) / power(noise))).toBeCloseTo(snr_db, 0);
    }
  });

  it('leaves silence silent', () => {
    const silence = new Float32Array(100);
    expect(applyTransform(silence, sr, { noise: { color: 'white', snr_db: [15, 30] } }, new Rng(1)).samples).toEqual(
      silence,
    );
  });

  it('multiplies by exactly the gain drawn, beyond full scale too', () => {
    const { samples: louder, drawn } = apply({ gain: { db: [30, 40] } });
    const factor = 10 ** ((drawn['db'] as number) / 20);
    expect(louder).toEqual(samples.map((sample) => sample * factor));
    expect(Math.max(...louder)).toBeGreaterThan(1);
  });

  it('shifts later or earlier, and lets in silence or what went out', () => {
    const later = apply({ shift: { seconds: [0.1, 0.1], fill: 'silence' } }).samples;
    expect(later.subarray(0, 800)).toEqual(new Float32Array(800));
    expect(later.subarray(800)).toEqual(samples.subarray(0, 3200));
    const earlier = apply({ shift: { seconds: [-0.1, -0.1], fill: 'silence' } }).samples;
    expect(earlier.subarray(0, 3200)).toEqual(samples.subarray(800));
    expect(earlier.subarray(3200)).toEqual(new Float32Array(800));
    const rolled = apply({ shift: { seconds: [0.1, 0.1], fill: 'roll' } }).samples;
    expect(rolled.subarray(0, 800)).toEqual(samples.subarray(3200));
    expect(rolled.subarray(800)).toEqual(samples.subarray(0, 3200));
  });

  it('shifts out everything by more than the whole, or turns it around', () => {
    const gone = apply({ shift: { seconds: [1, 1], fill: 'silence' } }).samples;
    expect(gone).toEqual(new Float32Array(4000));
    const whole = apply({ shift: { seconds: [-1, -1], fill: 'roll' } }).samples;
    expect(whole).toEqual(samples);
  });

  it('keeps the length when it shifts the pitch, and moves the pitch by the semitones drawn', () => {
    const tone = Float32Array.from({ length: 8000 }, (_, i) => 0.3 * Math.sin((2 * Math.PI * 400 * i) / sr));
    const { samples: higher } = applyTransform(tone, sr, { pitch_shift: { n_steps: [12, 12] } }, new Rng(1));
    expect(higher.length).toBe(tone.length);
    // Rising zero crossings in the middle half: 400 Hz becomes 800 Hz.
    let rising = 0;
    for (let i = 2000; i < 6000; i++) if (higher[i - 1]! < 0 && higher[i]! >= 0) rising++;
    expect(Math.abs(rising - 400)).toBeLessThanOrEqual(4);
  });
});

function toy(name: string, emotion: string): ToyClip {
  return { clip_id: `toy/${name}`, speaker: name, emotion, role: 'train', variant: 0 };
}

function power(samples: Float32Array): number {
  return samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
}

function groupBy<T extends { clip_id: string }>(rows: readonly T[]): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const row of rows) groups.set(row.clip_id, [...(groups.get(row.clip_id) ?? []), row]);
  return groups;
}
