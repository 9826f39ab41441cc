/** Chroma: the energy of each pitch class, whatever its octave. */
import { RequestError } from '@prosodia/core';
import { checkInteger, checkPositive } from './checks.ts';
import type { Matrix } from './matrix.ts';
import { normalize } from './normalize.ts';
import { planCache } from './plans.ts';
import { bankMatrix, filterBank, projectRows, type FilterBank } from './simd/rows.ts';
import { roundHalfEven } from './round.ts';
import { resolve, type PitchedSource } from './source.ts';
import { estimateTuning } from './tuning.ts';

/** Which pitch classes a chroma filter bank has. */
export interface ChromaBankOptions {
  /** Pitch classes per octave. Default 12. */
  n_chroma?: number;
  /** Deviation from A4 = 440 Hz as a share of a pitch class. Default 0; chromaStft estimates it. */
  tuning?: number;
  /** Octave (of A0 = 0) at which the filters are strongest. Default 5. */
  ctroct?: number;
  /** Spread of that weighting in octaves; null for none. Default 2. */
  octwidth?: number | null;
  /** Whether class 0 is C (true, the default) or A. */
  base_c?: boolean;
}

/** A tuning per segment is one of a hundred values, so the cache holds all of them for one set of parameters. */
const CACHED_BANKS = 128;

/**
 * A smaller weight of a filter is 0. Beside the weights of the nearest class it says nothing, and its product with the
 * power of silence is a subnormal number, with which processors take a hundred times as long.
 */
const NEGLIGIBLE = 2 ** -60;

const chromaPlan = planCache(
  (
    sr: number,
    n_fft: number,
    n_chroma: number,
    tuning: number,
    ctroct: number,
    octwidth: number,
    base_c: boolean,
  ): FilterBank => {
    const bins = Math.floor(n_fft / 2) + 1;
    const a0 = (440 * 2 ** (tuning / n_chroma)) / 16;
    const classOf = (bin: number) => n_chroma * Math.log2((bin * sr) / n_fft / a0);
    const half = roundHalfEven(n_chroma / 2);
    const shift = base_c ? 3 * Math.floor(n_chroma / 12) : 0;
    const bank = new Float64Array(n_chroma * bins);
    const column = new Float64Array(n_chroma);
    for (let bin = 0; bin < bins; bin++) {
      // Bin 0 has no pitch: it is put an octave and a half below bin 1, so that its column is broad.
      const position = bin === 0 ? classOf(1) - 1.5 * n_chroma : classOf(bin);
      const next = bin + 1 < n_fft ? classOf(bin + 1) : position;
      const width = Math.max(1, next - position);
      let squares = 0;
      for (let c = 0; c < n_chroma; c++) {
        const raw = position - c + half;
        const distance = raw - n_chroma * Math.floor(raw / n_chroma) - half;
        column[c] = Math.exp(-0.5 * ((2 * distance) / width) ** 2);
        squares += column[c]! ** 2;
      }
      const octaves = octwidth === 0 ? 1 : Math.exp(-0.5 * ((position / n_chroma - ctroct) / octwidth) ** 2);
      const gain = octaves / Math.sqrt(squares);
      for (let c = 0; c < n_chroma; c++) {
        const weight = column[c]! * gain;
        bank[((c - shift + n_chroma) % n_chroma) * bins + bin] = weight < NEGLIGIBLE ? 0 : weight;
      }
    }
    return filterBank(n_chroma, bins, (c, bin) => bank[c * bins + bin]!);
  },
  CACHED_BANKS,
);

function chromaBank(sr: number, n_fft: number, options: ChromaBankOptions): FilterBank {
  const { n_chroma = 12, tuning = 0, ctroct = 5, octwidth = 2, base_c = true } = options;
  const where = 'chroma';
  checkPositive(sr, 'sr', where);
  checkInteger(n_fft, 'n_fft', where, 2);
  checkInteger(n_chroma, 'n_chroma', where);
  if (octwidth !== null) checkPositive(octwidth, 'octwidth', where);
  if (!Number.isFinite(tuning)) {
    throw new RequestError({
      where,
      problem: 'tuning is not finite',
      expected: 'a finite number',
      got: String(tuning),
    });
  }
  return chromaPlan(sr, n_fft, n_chroma, tuning, ctroct, octwidth ?? 0, base_c);
}

/**
 * Chroma filter bank, n_chroma x (1 + floor(n_fft / 2)): for each bin a Gaussian bump around its pitch
 * class, of unit length, weighted by a Gaussian over octaves (Ellis, "Chroma feature analysis and synthesis", 2007).
 */
export function chroma(sr: number, n_fft: number, options: ChromaBankOptions = {}): Matrix {
  return bankMatrix(chromaBank(sr, n_fft, options));
}

/** Options of {@link chromaStft}. */
export interface ChromaOptions extends PitchedSource, ChromaBankOptions {
  /** Each frame is divided by its norm of this order; null to leave it. Default Infinity, the maximum. */
  norm?: number | null;
}

/**
 * Chromagram of a power spectrogram, frames x n_chroma; silent frames stay 0.
 *
 * @param source `S` is a power spectrogram; without `tuning`, it is estimated from the spectrogram
 */
export function chromaStft(source: ChromaOptions): Matrix {
  const { sr = 22050, n_chroma = 12, norm = Infinity } = source;
  checkInteger(n_chroma, 'n_chroma', 'chromaStft');
  const { S, n_fft } = resolve(source, 2, 'chromaStft');
  const tuning = source.tuning ?? estimateTuning({ sr, S, n_fft, bins_per_octave: n_chroma });
  const bank = chromaBank(sr, n_fft, { ...source, tuning });
  return normalize(projectRows(S, bank), norm);
}
