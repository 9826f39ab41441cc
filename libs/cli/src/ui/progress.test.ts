import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Progress } from './progress.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());
const wait = (seconds: number) => vi.advanceTimersByTime(seconds * 1000);

describe('Progress', () => {
  it('says only the time before anything is reported', () => {
    const progress = new Progress();
    wait(12);
    expect(progress.describe(true)).toBe('12 s');
  });

  it('gives share, rate and time left', () => {
    const progress = new Progress();
    progress.update(0, 1440, 'clips');
    wait(4);
    progress.update(360, 1440, 'clips');
    expect(progress.describe(false)).toBe('360/1,440 clips  90/s  12 s left');
    expect(progress.describe(true)).toBe('[=====>              ]  360/1,440 clips  90/s  12 s left');
  });

  it('follows a rate that changes', () => {
    const progress = new Progress();
    for (let i = 0; i <= 10; i++, wait(1)) progress.update(i * 100, 10_000, 'rows');
    for (let i = 1; i <= 60; i++, wait(1)) progress.update(1000 + i, 10_000, 'rows');
    expect(progress.describe(false)).toMatch(/^1,060\/10,000 rows {2}1\.0\/s {2}2 h 29 min left$/);
  });

  it('starts anew when the unit changes or the count goes back, as from epoch to epoch', () => {
    const progress = new Progress();
    progress.update(0, 100, 'batches');
    wait(1);
    progress.update(100, 100, 'batches');
    wait(9);
    progress.update(1, 4, 'epochs');
    wait(2);
    progress.update(2, 4, 'epochs');
    expect(progress.describe(false)).toBe('2/4 epochs  0.5/s  4.0 s left');
  });

  it('has no bar, share or time left without a total, nor any left at the end', () => {
    const progress = new Progress();
    progress.update(0, null, 'files');
    wait(2);
    progress.update(50, null, 'files');
    expect(progress.describe(true)).toBe('50 files  25/s');
    progress.update(50, 50, 'files');
    expect(progress.describe(true)).toBe('[====================]  50/50 files  25/s');
  });

  it('never draws beyond its bar', () => {
    for (const done of [0, 1, 99, 100, 150]) {
      const progress = new Progress();
      progress.update(done, 100, 'rows');
      expect(/^\[.*?\]/.exec(progress.describe(true))![0]).toHaveLength(22);
    }
  });
});
