/** Sizes and durations as people write them: `10GB`, `512 MiB`, `30d`, `1.5h`. */
import { RequestError } from '@prosodia/core';

const BYTES: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

const MILLISECONDS: Readonly<Record<string, number>> = {
  s: 1e3,
  m: 60e3,
  h: 3600e3,
  d: 24 * 3600e3,
  w: 7 * 24 * 3600e3,
};

/** @throws RequestError naming the option */
export function parseBytes(option: string, text: string): number {
  return Math.round(parse(option, text, BYTES, 'a size such as 500MB, 10GB or 8GiB (KB to TB, KiB to TiB)'));
}

/** Milliseconds. @throws RequestError naming the option */
export function parseDuration(option: string, text: string): number {
  return parse(option, text, MILLISECONDS, 'a time such as 12h, 30d or 2w (s, m, h, d, w)');
}

function parse(option: string, text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const match = /^(\d+(?:\.\d+)?) ?([a-z]+)$/i.exec(text.trim());
  const unit = match ? units[match[2]!.toLowerCase()] : undefined;
  if (match && unit !== undefined) return Number(match[1]) * unit;
  const bare = /^\d+(\.\d+)?$/.test(text);
  throw new RequestError({
    problem: `--${option} ${bare ? 'has no unit' : 'cannot be read'}`,
    expected,
    got: text,
    ...(text.trim().startsWith('-') ? { fix: 'it cannot be negative' } : {}),
  });
}
