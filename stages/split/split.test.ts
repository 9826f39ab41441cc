import {
  type ToyClipRow,
  clipRow,
  clipsOf,
  describeStage,
  rowsOf,
  splitOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { describe, expect, it } from 'vitest';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({ inputs: { clips: clipsOf(clips) } }),
  empty: 'works',
  one_row: 'refused',
});

describe('split', () => {
  const bench = useWorkbench();
  const rows = toyClips({ clips: 40 }).map((clip) => clipRow(clip));
  const run = async (params: Record<string, unknown> = {}, of: readonly ToyClipRow[] = rows) => {
    const { outputs, ...rest } = await bench.run(stage, { params, inputs: { clips: rowsOf(of) } });
    return { split: await outputs.split.table.all(), ...rest };
  };

  it('gives every clip one role, stratified by label, and counts them', async () => {
    const { split, metrics, notices } = await run({ test: 0.2, validation: 0.25 });
    expect(split.map(({ clip_id }) => clip_id).sort()).toEqual(rows.map(({ clip_id }) => clip_id));
    expect(metrics).toEqual({ folds: 1, train: 24, validation: 8, test: 8 });
    for (const role of ['train', 'validation', 'test'] as const) {
      const ids = new Set(split.filter((row) => row.role === role).map(({ clip_id }) => clip_id));
      const angry = rows.filter(({ clip_id, emotion }) => ids.has(clip_id) && emotion === 'angry');
      expect(angry).toHaveLength(ids.size / 2);
    }
    expect(notices).toEqual([]);
  });

  it('tests every clip once over the folds', async () => {
    const { split, metrics } = await run({ scheme: 'kfold', folds: 4 });
    expect(metrics['folds']).toBe(4);
    expect(split).toHaveLength(160);
    const tested = split.filter(({ role }) => role === 'test').map(({ clip_id }) => clip_id);
    expect(tested.sort()).toEqual(rows.map(({ clip_id }) => clip_id));
  });

  it('deals out the training clips of another split only, and gives no role to the others', async () => {
    const outer = toyClips({ clips: 40 });
    const { outputs } = await bench.run(stage, {
      params: { scheme: 'kfold', folds: 3 },
      inputs: { clips: rowsOf(rows), within: splitOf(outer) },
    });
    const inner = await outputs.split.table.all();
    const training = outer.filter(({ role }) => role === 'train').map(({ clip_id }) => clip_id);
    for (const fold of [0, 1, 2]) {
      expect(inner.filter((row) => row.fold === fold).map(({ clip_id }) => clip_id)).toEqual(training);
    }
  });

  it('keeps speakers on one side under a speaker scheme', async () => {
    for (const params of [{ scheme: 'leave-one-speaker-out' }, { scheme: 'group-kfold', folds: 2 }]) {
      const { split } = await run(params);
      const speaker = new Map(rows.map((row) => [row.clip_id, row.speaker]));
      for (const fold of new Set(split.map((row) => row.fold))) {
        const of = (test: boolean) =>
          new Set(
            split
              .filter((row) => row.fold === fold && (row.role === 'test') === test)
              .map(({ clip_id }) => speaker.get(clip_id)),
          );
        expect([...of(true)].filter((name) => of(false).has(name))).toEqual([]);
      }
    }
  });

  it('keeps copies of a recording together', async () => {
    // Every second clip is the one before under another name.
    const copies = rows.map((row, i) => ({ ...row, emotion: 'angry', sha256: rows[i - (i % 2)]!.sha256 }));
    for (let seed = 1; seed <= 5; seed++) {
      const { outputs } = await bench.run(
        stage,
        { params: { test: 0.3 }, inputs: { clips: rowsOf(copies) } },
        { seed },
      );
      const roles = await outputs.split.roles(0);
      for (let i = 0; i < copies.length; i += 2) {
        expect(roles.get(copies[i]!.clip_id)).toBe(roles.get(copies[i + 1]!.clip_id));
      }
    }
  });

  it('depends on the set of clips, not on their order', async () => {
    expect((await run({}, [...rows].reverse())).split).toEqual((await run()).split);
  });

  it('leaves out clips without a label, and says so', async () => {
    const some = rows.map((row, i) => ({ ...row, intensity: i < 3 ? null : i % 2 ? 'normal' : 'strong' }));
    const { split, notices } = await run({ stratify: 'intensity' }, some);
    expect(split).toHaveLength(37);
    expect(notices).toEqual(['3 clips without intensity take no part, such as toy/000']);
  });

  it('refuses a column that is not there, with the nearest name, and one without a value', async () => {
    await expect(run({ stratify: 'emotoin' })).rejects.toThrow(/no text column emotoin[^]*did you mean emotion\?/);
    await expect(run({ stratify: 'statement' })).rejects.toThrow(/parameter stratify: no clip has a statement/);
  });

  it('refuses published folds for speakers they do not name', async () => {
    const strangers = rows.map((row) => ({ ...row, speaker: `S${row.speaker}` }));
    await expect(run({ scheme: 'emobox-6fold' }, strangers)).rejects.toThrow(/emobox-6fold does not fit the speakers/);
  });

  it('refuses a test share that leaves no clip to test', async () => {
    await expect(run({ test: 0.01 })).rejects.toThrow(/too few clips/);
  });
});
