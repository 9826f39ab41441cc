import { DataError, Rng } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { decodeAudio, probeAudio } from './decode.ts';
import { golden } from './testing.ts';

const files = golden<{ name: string; file: string }[]>('decode')
  .map(({ name, file }) => ({ name, bytes: Uint8Array.from(Buffer.from(file, 'base64')) }))
  // Short ones: there, most changes hit a header.
  .filter(({ bytes }) => bytes.length < 10_000);

/** Bytes at which readers go wrong: signs, limits, chunk lengths. */
const TELLING = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

function mutate(bytes: Uint8Array, rng: Rng): Uint8Array {
  const copy = bytes.slice(0, rng.int(4) === 0 ? rng.int(bytes.length) : bytes.length);
  for (let n = rng.int(4); n >= 0 && copy.length > 0; n--) {
    // Half of the changes into the first 64 bytes.
    const at = rng.int(rng.int(2) === 0 ? Math.min(64, copy.length) : copy.length);
    copy[at] = rng.int(2) === 0 ? rng.choice(TELLING) : rng.int(256);
  }
  return copy;
}

describe('a mutated file is decoded or refused, and nothing else', () => {
  it.each(files)('$name', async ({ name, bytes }) => {
    for (let i = 0; i < 250; i++) {
      const mutant = mutate(bytes, new Rng(7, name, i));
      try {
        const { samples, frames, sampleRate, channels } = await decodeAudio(mutant);
        expect(samples.length, `mutant ${i}`).toBe(frames);
        expect(samples.every(Number.isFinite), `mutant ${i}`).toBe(true);
        expect(sampleRate * channels, `mutant ${i}`).toBeGreaterThan(0);
        expect(probeAudio(mutant).frames, `mutant ${i}`).toBe(frames);
      } catch (error) {
        expect(error, `mutant ${i}`).toBeInstanceOf(DataError);
      }
    }
  });
});
