import { describe, expect, it } from 'vitest';
import { describeStage } from '@prosodia/runner/conformance';
import type { FolderWriter } from '@prosodia/tables';
import { type JudgedRow, numbersOf, pairRows } from './pairs.ts';
import stage from './stage.ts';
import { significance } from './tests.ts';
import { inWords } from './words.ts';

const LABELS = ['angry', 'sad'];

/** A row whose truth alternates; `right` says which rows are recognized. */
function rowsOf(count: number, right: (row: number) => boolean, folds = 2): JudgedRow[] {
  return Array.from({ length: count }, (_, r) => {
    const label = LABELS[r % 2]!;
    const predicted = right(r) ? label : LABELS[(r + 1) % 2]!;
    const id = `clip-${r}`;
    return { clip_id: id, item_id: id, fold: r % folds, role: 'test', speaker: `s${r % 7}`, label, predicted };
  });
}

function report(rows: readonly JudgedRow[]) {
  return async (writer: FolderWriter) => {
    await writer.json('metrics.json', {
      accuracy: 0.5,
      synthetic: true,
      calibration: [{ confidence: 0.6, accuracy: 0.5 }],
      confusion_matrix: { labels: LABELS, counts: [[1, 0], [0, 1]] }, // prettier-ignore
      ci: { unit: 'clip' },
      protocol: { split: { counts: [{ train: 80, test: 20 }] } },
    });
    const text = ['clip_id', 'item_id', 'role', 'speaker', 'label', 'predicted'] as const;
    const columns = [
      ...text.map((name) => ({ name, type: 'utf8' as const })),
      { name: 'fold', type: 'int32' as const },
    ];
    await writer.parquet(
      'predictions.parquet',
      { columns, metadata: { kind: 'judged_predictions' } },
      [...rows].map((row) => ({ ...row })),
    );
  };
}

describeStage(stage, {
  fixture: (clips) => ({
    params: { names: ['a', 'b'], bootstrap: 50 },
    inputs: {
      first: report(rowsOf(clips.length * 3, (r) => r % 3 > 0)),
      second: report(rowsOf(clips.length * 3, (r) => r % 4 > 0)),
      first_models: {},
      second_models: {},
    },
  }),
  // It reads reports, not rows of clips.
  empty: 'works',
  one_row: 'works',
  seedMatters: false,
});

describe('two reports', () => {
  const first = rowsOf(200, (r) => r % 2 === 0);
  const second = rowsOf(200, (r) => r % 2 === 0 || r % 5 > 0);
  const options = { seed: 1, replicates: 200, level: 0.95, unit: 'clip', testToTrain: 0.25 } as const;

  it('are matched by item, fold and role, and rows of one alone are counted and left out', () => {
    const pairs = pairRows(LABELS, first.slice(20), [...second.slice(0, 150)].reverse(), 'b');
    expect([pairs.rows.length, pairs.onlyFirst, pairs.onlySecond]).toEqual([130, 50, 20]);
    expect(numbersOf(pairs.truth, pairs.first, 2).accuracy).toBeCloseTo(0.5, 12);
    const elsewhere = first.map((row) => ({ ...row, fold: row.fold + 9 }));
    expect(pairRows(LABELS, first, elsewhere, 'b').rows).toEqual([]);
  });

  it('that do not agree on what is true are refused, with the row', () => {
    const wrong = second.map((row, r) => (r === 3 ? { ...row, label: 'angry' } : row));
    expect(() => pairRows(LABELS, first, wrong, 'b')).toThrow(/clip-3[^]*do not agree on what is true/);
  });

  it('of which one is right on many more rows differ beyond luck by every test', () => {
    const pairs = pairRows(LABELS, first, second, 'b');
    const found = significance(pairs, options);
    expect(found.mcnemar).toMatchObject({ only_first_right: 0, only_second_right: 80 });
    expect(found.mcnemar.p).toBeLessThan(1e-9);
    expect(found.bootstrap!.accuracy.difference).toBeCloseTo(0.4, 12);
    expect(found.bootstrap!.accuracy.low).toBeGreaterThan(0.3);
    expect(found.bootstrap!.accuracy.high).toBeLessThan(0.5);
    expect(found.t_test).toMatchObject({ folds: 2, test_to_train: 0.25 });
    expect(significance(pairs, options)).toEqual(found);
  });

  it('that are equal do not differ: p 1, and 0 inside the interval', () => {
    const found = significance(pairRows(LABELS, first, first, 'b'), options);
    expect(found.mcnemar.p).toBe(1);
    expect(found.bootstrap!.accuracy).toMatchObject({ difference: 0, low: 0, high: 0 });
    expect(found.t_test!.accuracy.p).toBe(1);
  });

  it('of one fold, or without the sizes of folds, have no t test', () => {
    const one = pairRows(
      LABELS,
      rowsOf(40, () => true, 1),
      rowsOf(40, (r) => r > 3, 1),
      'b',
    );
    expect(significance(one, options).t_test).toBeNull();
    expect(
      significance(pairRows(LABELS, first, second, 'b'), { ...options, testToTrain: undefined }).t_test,
    ).toBeNull();
  });

  it('without a row in common are said to be so', () => {
    const all = [{}, {}] as const;
    const rows = { shared: 0, only_first: 3, only_second: 3 };
    const nothing = {
      title: 't',
      names: ['a', 'b'],
      synthetic: false,
      rows,
      shared: null,
      all,
      significance: null,
    } as const;
    expect(inWords(nothing)).toEqual(['They judged no row in common, so nothing can be tested.']);
  });
});
