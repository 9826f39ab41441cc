import { describe, expect, it } from 'vitest';
import { fitForest } from './fit.ts';
import { summarizeForest } from './summary.ts';
import { sample } from './testing.ts';

describe('summarizeForest', () => {
  it('survives JSON, and knows the depth', async () => {
    const forest = await fitForest({ ...sample(200, 4, 3), n_estimators: 20, max_depth: 4, oob_score: true });
    const summary = summarizeForest(forest);
    expect(JSON.parse(JSON.stringify(summary))).toEqual(summary);
    expect(summary).toMatchObject({ trees: 20, nodes: forest.feature.length, depth: 4, classes: 3, cols: 4 });
    expect(summary.oob_score).toBe(forest.oob!.score);
    expect(summary.feature_importances.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
  });

  it('has no out-of-bag score if there is none', async () => {
    const forest = await fitForest({ ...sample(20, 2, 2), n_estimators: 1, bootstrap: false });
    expect(summarizeForest(forest)).not.toHaveProperty('oob_score');
  });
});
