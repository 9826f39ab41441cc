import { formatCount } from '@prosodia/core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { columns, formatBytes, formatSeconds, styleFor, width } from './style.ts';

afterEach(() => vi.unstubAllEnvs());

describe('number formats', () => {
  it('seconds', () => {
    const shown = [0, 0.04, 0.84, 9.94, 9.96, 12.4, 59.4, 59.6, 185, 3599.7, 3600, 7_440, 100_000].map(formatSeconds);
    expect(shown).toEqual([
      ...['0.0 s', '0.0 s', '0.8 s', '9.9 s', '10 s', '12 s', '59 s', '1 min 00 s', '3 min 05 s'],
      ...['1 h 00 min', '1 h 00 min', '2 h 04 min', '27 h 47 min'],
    ]);
  });

  it('bytes', () => {
    const sizes = [0, 512, 1023, 1024, 3_565_158, 102_298, 1024 ** 2 - 1, 1024 ** 3, 5 * 1024 ** 5];
    expect(sizes.map(formatBytes)).toEqual([
      ...['0 B', '512 B', '1023 B', '1.0 KiB', '3.4 MiB', '99.9 KiB', '1.0 MiB', '1.0 GiB', '5120 TiB'],
    ]);
  });

  it('counts', () => {
    expect([0, 999, 1440, 1_234_567].map(formatCount)).toEqual(['0', '999', '1,440', '1,234,567']);
  });
});

describe('columns', () => {
  it('pads to the widest cell by what is printed, not by colour codes, and leaves the last column ragged', () => {
    expect(
      columns([
        ['a', '1'],
        ['\x1b[1mbbb\x1b[22m', '22'],
      ]),
    ).toBe('a    1\n\x1b[1mbbb\x1b[22m  22');
    expect(width('\x1b[32mgreen\x1b[39m')).toBe(5);
    expect(columns([])).toBe('');
  });
});

describe('colour', () => {
  it('is for terminals only, and not where NO_COLOR or a dumb terminal asks for none', () => {
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'xterm');
    expect(styleFor({ isTTY: true }).red('x')).toBe('\x1b[31mx\x1b[39m');
    expect(styleFor({}).red('x')).toBe('x');
    vi.stubEnv('NO_COLOR', '1');
    expect(styleFor({ isTTY: true }).red('x')).toBe('x');
    vi.stubEnv('NO_COLOR', '');
    vi.stubEnv('TERM', 'dumb');
    expect(styleFor({ isTTY: true }).red('x')).toBe('x');
  });
});
