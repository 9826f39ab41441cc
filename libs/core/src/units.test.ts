import { describe, expect, it } from 'vitest';
import { unitOf } from './units.ts';

describe('unitOf', () => {
  it('takes the last pattern that fits, so that exceptions follow the rule', () => {
    const units = { 'mfcc*': 'dB', 'mfcc_delta*': 'dB/frame', '*_skewness': '' };
    expect(unitOf(units, 'mfcc_03_mean')).toBe('dB');
    expect(unitOf(units, 'mfcc_delta_03_mean')).toBe('dB/frame');
    expect(unitOf(units, 'mfcc_03_skewness')).toBeUndefined();
    expect(unitOf(units, 'rms_mean')).toBeUndefined();
  });

  it('takes every character but the star as itself', () => {
    expect(unitOf({ 'F0From27.5Hz*': 'semitones' }, 'F0From27x5Hz_mean')).toBeUndefined();
    expect(unitOf({ '(a)': 's' }, '(a)')).toBe('s');
  });
});
