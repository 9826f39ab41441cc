import {
  clipsOf,
  describeStage,
  featureRows,
  featuresOf,
  itemRow,
  predictionsOf,
  splitOf,
  toyClips,
  useWorkbench,
} from '@prosodia/runner/conformance';
import { Rng } from '@prosodia/core';
import type { FeatureWriter, FolderReader } from '@prosodia/tables';
import { describe, expect, it } from 'vitest';
import { csvLine, shortest } from './csv.ts';
import stage from './stage.ts';

describeStage(stage, {
  fixture: (clips) => ({
    inputs: {
      clips: clipsOf(clips),
      split: splitOf(clips),
      features: featuresOf(clips),
      predictions: predictionsOf(clips, 'net'),
    },
  }),
  empty: 'works',
  one_row: 'works',
});

describe('csvLine', () => {
  it('quotes what has commas, quotes or line ends, and leaves the missing empty', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\nlines', null, undefined, 0.5, true, ''])).toBe(
      '"a,b","say ""hi""","two\nlines",,,0.5,true,\r\n',
    );
  });

  it('writes float32 numbers with digits that give them back, and no more than needed', () => {
    expect(shortest(Math.fround(0.1))).toBe('0.1');
    expect(shortest(Math.fround(1e-30))).toBe('1e-30');
    const rng = new Rng(1);
    for (let i = 0; i < 2000; i++) {
      const value = Math.fround(rng.normal() * 10 ** (rng.int(60) - 30));
      expect(Math.fround(Number(shortest(value)))).toBe(value);
    }
  });
});

describe('export-csv', () => {
  const bench = useWorkbench();
  const lines = async ({ csv }: { csv: FolderReader }, name: string) =>
    new TextDecoder().decode(await csv.bytes(name)).split('\r\n');

  it('writes a line per row under the names of the columns', async () => {
    const features = featureRows(
      ['pitch', 'energy'],
      [
        { item: itemRow('toy/1'), values: [0.1, 2] },
        { item: itemRow('toy/2', { augmentation: 'gain', augmentation_params: '{"db":3}' }), values: [-1e-9, 3.5] },
      ],
    );
    const ran = await bench.run(stage, { inputs: { features } });
    const [head, first, second, end] = await lines(ran.outputs, 'features.csv');
    expect(head).toBe(
      'clip_id,item_id,parent_item_id,start_s,end_s,augmentation,augmentation_params,seed,pitch,energy',
    );
    expect(first).toMatch(/^toy\/1,toy\/1,,.*,0\.1,2$/);
    expect(second).toMatch(/gain,"\{""db"":3\}",.*,-1e-9,3\.5$/);
    expect(end).toBe('');
    expect(ran.metrics).toEqual({ features_rows: 2 });
  });

  it('writes a column for each number of a matrix', async () => {
    const features = async (writer: FeatureWriter) => {
      writer.begin({ form: 'matrix', shape: [2, 2], axes: ['frame', 'band'] });
      await writer.append(itemRow('toy/1'), Float32Array.of(1, 2, 3, 4), 0.5);
    };
    const ran = await bench.run(stage, { inputs: { features } });
    const [head, row] = await lines(ran.outputs, 'features.csv');
    expect(head).toMatch(/,padding,"values\[0,0\]","values\[0,1\]","values\[1,0\]","values\[1,1\]"$/);
    expect(row).toMatch(/,0\.5,1,2,3,4$/);
  });

  it('writes each input to a file of its name', async () => {
    const clips = toyClips({ clips: 8 });
    const inputs = { clips: clipsOf(clips), split: splitOf(clips), predictions: predictionsOf(clips, 'net') };
    const ran = await bench.run(stage, { inputs });
    expect([...ran.files.keys()].sort()).toEqual(['csv/clips.csv', 'csv/predictions.csv', 'csv/split.csv']);
    const [head] = await lines(ran.outputs, 'predictions.csv');
    expect(head).toMatch(/^clip_id,item_id,fold,role,label,.*p_angry,p_happy$/);
  });

  it('refuses to write nothing', async () => {
    await expect(bench.run(stage, { inputs: {} })).rejects.toThrow(/there is nothing to write/);
  });
});
