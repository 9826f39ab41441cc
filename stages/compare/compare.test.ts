import { describe, expect, it } from 'vitest';
import { describeStage } from '@prosodia/runner/conformance';
import stage from './stage.ts';
import { compareEntries, eachTable, entryOf, markdownTable } from './table.ts';

describeStage(stage, {
  fixture: (clips) => ({
    params: { metrics: ['accuracy'], over: ['seed'] },
    inputs: {
      reports: Object.fromEntries(
        ['a', 'b'].flatMap((network, n) =>
          [1, 2].map((seed) => [
            `judge[network=${network},seed=${seed}]`,
            (writer: { json(name: string, value: unknown): Promise<void> }) =>
              writer.json('metrics.json', { accuracy: (clips.length + n + seed) / 100 }),
          ]),
        ),
      ),
    },
  }),
  // It reads reports, not rows.
  empty: 'works',
  one_row: 'works',
});

describe('a comparison', () => {
  const entries = [
    ['judge[network=a,seed=1]', 0.5],
    ['judge[network=a,seed=2]', 0.7],
    ['judge[network=b,seed=1]', 0.9],
    ['judge[network=b,seed=2]', 0.8],
  ].map(([from, accuracy]) => entryOf(from as string, { accuracy: accuracy as number }));

  it('averages over repetitions, with the deviation of a sample, the best first', () => {
    const lines = compareEntries(entries, ['accuracy'], ['seed'], true);
    expect(lines.map(({ name, reports }) => [name, reports])).toEqual([
      ['network=b', 2],
      ['network=a', 2],
    ]);
    expect(lines[0]!.numbers['accuracy']!.mean).toBeCloseTo(0.85, 12);
    expect(lines[0]!.numbers['accuracy']!.deviation).toBeCloseTo(Math.SQRT1_2 / 10, 12);
    expect(markdownTable(lines, ['accuracy']).split('\n')[2]).toBe('| network=b | 2       | 0.8500 ± 0.0707 |');
  });

  it('keeps the number of each averaged report, and a place for one that is missing', () => {
    const lines = compareEntries(entries.slice(0, 3), ['accuracy'], ['seed'], true);
    expect(eachTable(lines, 'accuracy').split('\n')).toEqual([
      '| accuracy  | seed=1 | seed=2 |',
      '| --------- | ------ | ------ |',
      '| network=b | 0.9000 |        |',
      '| network=a | 0.5000 | 0.7000 |',
    ]);
  });

  it('lists every report, and then their mean, where nothing is averaged over', () => {
    const lines = compareEntries(entries, ['accuracy'], [], false);
    expect(lines.map(({ name }) => name)).toEqual([
      'network=a seed=1',
      'network=a seed=2',
      'network=b seed=2',
      'network=b seed=1',
      'mean',
    ]);
    expect(lines[0]!.numbers['accuracy']!.deviation).toBeNull();
  });
});
