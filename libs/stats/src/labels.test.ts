import { describe, expect, it } from 'vitest';
import { classWeights } from './class-weights.ts';
import { compareCodePoints, decodeLabels, encodeLabels, sortedClasses } from './labels.ts';
import { expectClose, golden } from './testing/golden.ts';

const peer = golden<{ labels: string[]; classes: string[]; indices: number[]; balanced: number[] }>('labels');

describe('encodeLabels', () => {
  it('numbers the classes as scikit-learn does, beyond the basic plane too', () => {
    const { classes, indices } = encodeLabels(peer.labels);
    expect(classes).toEqual(peer.classes);
    expect([...indices]).toEqual(peer.indices);
    expect(decodeLabels(indices, classes)).toEqual(peer.labels);
  });

  it('keeps the classes it is given', () => {
    expect([...encodeLabels(['b', 'a'], ['b', 'a', 'c']).indices]).toEqual([0, 1]);
  });

  it('refuses an unseen label, a class listed twice and an index without a class', () => {
    expect(() => encodeLabels(['happy', 'hapy'], ['happy', 'sad'])).toThrow(/"hapy" in row 1[^]*did you mean "happy"/);
    expect(() => encodeLabels([], ['a', 'a'])).toThrow(/listed twice/);
    expect(() => decodeLabels([2], ['a', 'b'])).toThrow(/from 0 to 1/);
  });

  it('orders prefixes first and gives no class for no label', () => {
    expect(['ab', '', 'a', 'b'].sort(compareCodePoints)).toEqual(['', 'a', 'ab', 'b']);
    expect(compareCodePoints('a', 'a')).toBe(0);
    expect(sortedClasses([])).toEqual([]);
  });
});

describe('classWeights', () => {
  it('balances as scikit-learn does', () => {
    const { classes, indices } = encodeLabels(peer.labels);
    expectClose(classWeights(indices, classes, 'balanced'), peer.balanced);
  });

  it('gives every class the same total weight, and all rows together their number', () => {
    const truth = [0, 0, 0, 1, 2, 2];
    const weights = classWeights(truth, ['a', 'b', 'c'], 'balanced');
    expectClose([3 * weights[0]!, weights[1]!, 2 * weights[2]!], [2, 2, 2]);
  });

  it('takes a map, with 1 for the classes it leaves out', () => {
    expect([...classWeights([0, 1], ['a', 'b'], { b: 3 })]).toEqual([1, 3]);
    expect([...classWeights([], ['a', 'b'], 'none')]).toEqual([1, 1]);
    expect([...classWeights([], ['toString'], {})]).toEqual([1]);
  });

  it('refuses a class without rows, an unknown class and a weight that is none', () => {
    expect(() => classWeights([0, 0], ['a', 'b'], 'balanced')).toThrow(/no row of b/);
    expect(() => classWeights([], ['happy'], { hapy: 1 })).toThrow(/did you mean "happy"/);
    expect(() => classWeights([], ['a'], { a: -1 })).toThrow(/not a weight/);
    expect(() => classWeights([3], ['a'], 'none')).toThrow(/class index/);
  });
});
