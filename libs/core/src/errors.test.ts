import { describe, expect, it } from 'vitest';
import { DataError, nearest } from './errors.ts';

describe('errors', () => {
  it('say expected, got, where and how to mend it', () => {
    const error = new DataError({
      problem: 'no audio',
      expected: 'WAV',
      got: 'text',
      where: 'a.wav',
      fix: 'remove it',
    });
    expect(error.message).toBe('a.wav: no audio\n  expected: WAV\n  got:      text\n  fix:      remove it');
  });

  it('gain an outer place without losing the inner one, and keep their class', () => {
    const error = new DataError({ problem: 'no audio', where: 'a.wav' }).at('stage audio');
    expect(error).toBeInstanceOf(DataError);
    expect(error.message).toBe('stage audio, a.wav: no audio');
  });
});

describe('nearest', () => {
  it('finds a misspelling, also with swapped letters, and nothing for a different word', () => {
    expect(nearest('resmaple', ['segment', 'resample', 'scale'])).toBe('resample');
    expect(nearest('strat', ['start', 'stop'])).toBe('start');
    expect(nearest('xylophone', ['segment', 'resample', 'scale'])).toBeUndefined();
  });

  it('finds the one that a word begins, if it is the only one', () => {
    expect(nearest('memory', ['threads', 'memory_gb', 'gpu'])).toBe('memory_gb');
    expect(nearest('train', ['train-network-slowly', 'train-forest-slowly'])).toBeUndefined();
  });
});
