import { describe, expect, it } from 'vitest';
import { readSchedule } from './schedules.ts';

describe('schedules', () => {
  it('constant stays', () => expect(readSchedule({ constant: {} })(3, 10)).toBe(1));

  it('step drops by its factor every so many epochs', () => {
    const schedule = readSchedule({ step: { every: 2, factor: 0.1 } });
    expect([0, 1.9, 2, 4].map((progress) => schedule(progress, 10).toPrecision(3))).toEqual([
      '1.00',
      '1.00',
      '0.100',
      '0.0100',
    ]);
  });

  it('cosine falls from 1 to its end, half-way in the middle', () => {
    const schedule = readSchedule({ cosine: { end_factor: 0.2 } });
    expect([0, 5, 10].map((progress) => Number(schedule(progress, 10).toFixed(9)))).toEqual([1, 0.6, 0.2]);
  });

  it('a warm-up rises from 0, and cosine begins after it', () => {
    const schedule = readSchedule({ cosine: { warmup_epochs: 2 } });
    expect([0, 1, 2, 6].map((progress) => Number(schedule(progress, 10).toFixed(9)))).toEqual([0, 0.5, 1, 0.5]);
  });
});
