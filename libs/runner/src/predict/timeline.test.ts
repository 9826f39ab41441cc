import { describe, expect, it } from 'vitest';
import { summarizeFiles } from './timeline.ts';

const LABELS = ['calm', 'happy'];
const window = (start_s: number, end_s: number, calm: number, file = 'a.wav') => ({
  file,
  start_s,
  end_s,
  probabilities: [calm, 1 - calm],
});

describe('summarizeFiles', () => {
  it('gives a file of one window the numbers of the window, untouched', () => {
    const [file] = summarizeFiles(LABELS, [window(0, 1.3, 0.1 + 0.2)]);
    expect(file).toEqual({
      file: 'a.wav',
      windows: 1,
      label: 'happy',
      probability: 1 - (0.1 + 0.2),
      probabilities: [0.1 + 0.2, 1 - (0.1 + 0.2)],
      timeline: [{ start_s: 0, end_s: 1.3, label: 'happy', probability: 1 - (0.1 + 0.2) }],
    });
  });

  it('takes the mean of windows where they overlap, and joins neighbours of one label', () => {
    const [file] = summarizeFiles(LABELS, [window(0, 4, 1), window(2, 6, 0.8), window(4, 8, 0)]);
    expect(file!.timeline.map(({ start_s, end_s, label }) => [start_s, end_s, label])).toEqual([
      [0, 4, 'calm'],
      [4, 8, 'happy'],
    ]);
    // 1 for two seconds, 0.9 for two, 0.4 for two, 0 for two.
    expect(file!.probabilities[0]).toBeCloseTo((1 + 0.9 + 0.4 + 0) / 4, 12);
    expect(file!.timeline[0]!.probability).toBeCloseTo(0.95, 12);
  });

  it('leaves a gap where windows were left out', () => {
    const [file] = summarizeFiles(LABELS, [window(0, 2, 1), window(4, 6, 1)]);
    expect(file!.timeline.map(({ start_s, end_s }) => [start_s, end_s])).toEqual([
      [0, 2],
      [4, 6],
    ]);
  });

  it('keeps files apart, also one that was given twice', () => {
    const files = summarizeFiles(LABELS, [window(0, 2, 1), window(0, 2, 1), window(0, 2, 0, 'b.wav')]);
    expect(files.map(({ file, windows }) => [file, windows])).toEqual([
      ['a.wav', 1],
      ['a.wav', 1],
      ['b.wav', 1],
    ]);
  });
});
