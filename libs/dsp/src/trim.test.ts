/** Trimming against librosa.effects.trim 0.10.2.post1, called on the same tones by golden/make_trim.py. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type TrimOptions, trimBounds } from './trim.ts';

interface Case {
  lead: number;
  body: number;
  tail: number;
  options: TrimOptions;
  bounds: [number, number];
}

const cases = JSON.parse(readFileSync(new URL('../golden/trim.json', import.meta.url), 'utf8')) as Case[];

/** A tone between two parts of a hum some 70 dB below it. */
function tone({ lead, body, tail }: Case): Float32Array {
  return Float32Array.from({ length: lead + body + tail }, (_, i) =>
    i >= lead && i < lead + body
      ? 0.5 * Math.sin((2 * Math.PI * 220 * i) / 16000)
      : 1e-4 * Math.sin((2 * Math.PI * 50 * i) / 16000),
  );
}

describe('trimBounds', () => {
  it.each(cases)('agrees with librosa: $lead + $body + $tail samples, $options', (given) => {
    const { start, end } = trimBounds(tone(given), given.options);
    expect([start, end]).toEqual(given.bounds);
  });

  it('keeps silence and constant loudness whole', () => {
    expect(trimBounds(new Float32Array(5000))).toEqual({ start: 0, end: 5000 });
    expect(trimBounds(Float32Array.of(0.5))).toEqual({ start: 0, end: 1 });
  });

  it('depends on no gain', () => {
    const y = tone(cases[2]!);
    const options = { top_db: 30 };
    expect(
      trimBounds(
        y.map((x) => x / 8),
        options,
      ),
    ).toEqual(trimBounds(y, options));
  });

  it('refuses a threshold that nothing could pass, and no signal', () => {
    expect(() => trimBounds(new Float32Array(10), { top_db: 0 })).toThrow(/top_db is out of range/);
    expect(() => trimBounds(new Float32Array(0))).toThrow(/empty|no samples|0 samples/);
  });
});
