import { describe, expect, it } from 'vitest';
import { parseBytes, parseDuration } from './quantities.ts';

describe('sizes and times', () => {
  it('are read with decimal and binary units, in any case, with or without a space', () => {
    const sizes = {
      '10GB': 1e10,
      '1.5 gb': 1.5e9,
      '8GiB': 8 * 2 ** 30,
      '512mib': 2 ** 29,
      '3KB': 3000,
      '7B': 7,
      '0MB': 0,
    };
    for (const [text, bytes] of Object.entries(sizes)) expect(parseBytes('max-size', text)).toBe(bytes);
    const times = { '30d': 30 * 86400e3, '12h': 43200e3, '2w': 14 * 86400e3, '90 s': 90e3, '0.5h': 1800e3 };
    for (const [text, ms] of Object.entries(times)) expect(parseDuration('older-than', text)).toBe(ms);
  });

  it('are refused with the option, what was expected and what came', () => {
    expect(() => parseBytes('max-size', '10')).toThrow('--max-size has no unit\n  expected: a size such as 500MB');
    expect(() => parseBytes('max-size', '10 parsecs')).toThrow('--max-size cannot be read');
    expect(() => parseBytes('max-size', '-1GB')).toThrow('it cannot be negative');
    expect(() => parseDuration('older-than', '10GB')).toThrow(
      '--older-than cannot be read\n  expected: a time such as 12h',
    );
    for (const text of ['', 'd', '1e3d', '1,5d', 'NaNd']) expect(() => parseDuration('older-than', text)).toThrow();
  });
});
