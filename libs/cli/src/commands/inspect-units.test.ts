import type { ColumnDoc } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { unitFinder } from './inspect-units.ts';

const DOCS: ColumnDoc[] = [
  { name: 'clip_id', type: 'utf8', summary: '' },
  { name: 'start_s', type: 'float64', summary: '', unit: 's' },
  { name: '(padding)', type: 'float32', summary: '', unit: 'share' },
  { name: '(values)', type: 'float32[]', summary: '' },
  { name: 'p_<label>', type: 'float32', summary: '', unit: 'probability' },
];

describe('the unit of a column', () => {
  it('is what the kind says, also of columns that may be there or are named after labels', () => {
    const unit = unitFinder(DOCS, {});
    expect(['start_s', 'padding', 'p_angry', 'clip_id'].map(unit)).toEqual(['s', 'share', 'probability', undefined]);
  });

  it('is what the table says of its features, and not of columns that the kind names', () => {
    const unit = unitFinder(DOCS, { units: JSON.stringify({ '*': 'standard deviations', 'f0*': 'Hz' }) });
    expect(['f0_mean', 'rms_std', 'clip_id', 'start_s'].map(unit)).toEqual([
      'Hz',
      'standard deviations',
      undefined,
      's',
    ]);
  });

  it('is, of a matrix, what its bands have', () => {
    const facts = {
      units: JSON.stringify({ '*': 'standard deviations' }),
      bands: JSON.stringify([['mel_0'], ['mfcc_0']]),
    };
    expect(unitFinder(DOCS, facts)('values')).toBe('standard deviations');
    const mixed = { units: JSON.stringify({ 'mel*': 'dB' }), bands: JSON.stringify(['mel_0', 'zcr']) };
    expect(unitFinder(DOCS, mixed)('values')).toBe('dB, none');
  });
});
