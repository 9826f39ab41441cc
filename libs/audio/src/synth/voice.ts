/**
 * Performs a score: a glottal source, breath and hiss, shaped by the resonances of a vocal tract.
 *
 * Source-filter synthesis after D. H. Klatt and L. C. Klatt, "Analysis, synthesis, and perception of voice
 * quality variations among female and male talkers" (JASA 87, 1990): the KLGLOTT88 flow derivative through a
 * spectral tilt, a cascade of formant resonators for all that is made at the glottis, and one band of noise in
 * parallel for what is made in the mouth.
 */
import type { Rng } from '@prosodia/core';
import type { Manner } from './manner.ts';
import { CONTROL_RATE, type Score } from './score.ts';

/** Samples per second of the demo corpus. */
export const DEMO_SAMPLE_RATE = 16000;

const STEP = DEMO_SAMPLE_RATE / CONTROL_RATE;
/** Bandwidths in Hz of the first four formants, and centre and bandwidth of a fixed fifth. */
const BANDWIDTHS = [70, 90, 130, 200];
const FIFTH_FORMANT_HZ = 4500;
const FIFTH_BANDWIDTH_HZ = 280;
/** Resonances stay clear of the Nyquist frequency, however short the tract. */
const HIGHEST_HZ = 7200;
const BREATH_GAIN = 0.05;
const HISS_GAIN = 0.05;
const TREMOR_HZ = 6.3;

/** The recording of a score at {@link DEMO_SAMPLE_RATE}; normal speech has a root mean square near 0.05. */
export function perform(score: Score, manner: Manner, rng: Rng): Float32Array {
  const output = new Float32Array(score.length * STEP);
  const noise = rng.fork('noise');
  const glottis = new Glottis(manner, rng.fork('glottis'));
  const tract = [...BANDWIDTHS, FIFTH_BANDWIDTH_HZ].map(() => new Resonator());
  const mouth = new Resonator();
  const tremorPhase = rng.uniform(0, 2 * Math.PI);
  let previousNoise = 0;

  for (let k = 0; k < score.length; k++) {
    const next = Math.min(k + 1, score.length - 1);
    const tremor = manner.tremor * Math.sin((2 * Math.PI * TREMOR_HZ * k) / CONTROL_RATE + tremorPhase);
    glottis.tune(manner.pitchHz * 2 ** ((score.pitch[k]! + tremor) / 12));
    for (const [f, track] of score.formants.entries()) {
      const scale = f === 0 ? manner.firstFormant : manner.higherFormants;
      tract[f]!.tune(track[k]! * scale, BANDWIDTHS[f]! * manner.formantBandwidth);
    }
    tract[4]!.tune(FIFTH_FORMANT_HZ * manner.higherFormants, FIFTH_BANDWIDTH_HZ * manner.formantBandwidth);
    mouth.tune(score.hissCentre[k]!, score.hissWidth[k]!);

    for (let i = 0; i < STEP; i++) {
      const share = i / STEP;
      const voice = mix(score.voice[k]!, score.voice[next]!, share);
      const breath = mix(score.breath[k]!, score.breath[next]!, share);
      const hiss = mix(score.hiss[k]!, score.hiss[next]!, share);
      const white = (noise.uint32() / 2147483648 - 1) * 1.7;
      const pulse = glottis.next();
      // Breath flows while the glottis is open; in a voiceless sound it always is.
      const aspiration = white * (breath + voice * manner.breath * (glottis.isOpen ? 1 : 0.3) * 0.6);
      let sample = voice * pulse + BREATH_GAIN * aspiration;
      for (const resonator of tract) sample = resonator.filter(sample);
      // The difference removes what the mouth resonator would pass near 0 Hz.
      sample += HISS_GAIN * hiss * mouth.filter(white - previousNoise);
      previousNoise = white;
      output[k * STEP + i] = sample * manner.gain;
    }
  }
  return output;
}

function mix(a: number, b: number, share: number): number {
  return a + (b - a) * share;
}

/** The flow derivative at the glottis: one pulse per cycle, each a little different in length and strength. */
class Glottis {
  readonly #manner: Manner;
  readonly #rng: Rng;
  readonly #tiltPole: number;
  #phase = 0;
  #increment = 0;
  #lengthFactor = 1;
  #strength = 1;
  #tilted = 0;
  isOpen = true;

  constructor(manner: Manner, rng: Rng) {
    this.#manner = manner;
    this.#rng = rng;
    this.#tiltPole = tiltPole(manner.tiltDb);
  }

  /** Sets the pitch in Hz. */
  tune(pitchHz: number): void {
    this.#increment = pitchHz / DEMO_SAMPLE_RATE;
  }

  /** The next sample. */
  next(): number {
    const { openQuotient, jitter, shimmer } = this.#manner;
    const increment = this.#increment * this.#lengthFactor;
    this.#phase += increment;
    if (this.#phase >= 1) {
      this.#phase -= 1;
      this.#lengthFactor = 1 + jitter * bounded(this.#rng);
      this.#strength = 1 + shimmer * bounded(this.#rng);
    }
    const x = this.#phase / openQuotient;
    this.isOpen = x < 1;
    const flow = (this.isOpen ? 2 * x - 3 * x * x : 0) + smoothedStep((this.#phase - openQuotient) / increment);
    this.#tilted += (1 - this.#tiltPole) * (flow * this.#strength - this.#tilted);
    return this.#tilted;
  }
}

/** Normal, but never far enough out to upset a cycle. */
function bounded(rng: Rng): number {
  return Math.min(3, Math.max(-3, rng.normal()));
}

/**
 * What a unit step between two samples lacks of being band-limited (polynomial BLEP), `t` samples after it. The
 * closing of the glottis is such a step; left as it is, its overtones would fold back.
 */
function smoothedStep(t: number): number {
  if (t >= 0 && t < 1) return -((1 - t) ** 2) / 2;
  if (t >= -1 && t < 0) return (1 + t) ** 2 / 2;
  return 0;
}

/** The pole r of the low-pass (1 - r) / (1 - r / z) that is `tiltDb` down at 3 kHz. */
function tiltPole(tiltDb: number): number {
  const power = 10 ** (-tiltDb / 10);
  const cosine = Math.cos((2 * Math.PI * 3000) / DEMO_SAMPLE_RATE);
  const a = 1 - power;
  const b = 1 - power * cosine;
  return a === 0 ? 0 : (b - Math.sqrt(b * b - a * a)) / a;
}

/** A second-order resonance with unit gain at 0 Hz. */
class Resonator {
  #gain = 1;
  #feedback1 = 0;
  #feedback2 = 0;
  #last1 = 0;
  #last2 = 0;

  /** Sets centre and bandwidth in Hz. */
  tune(centre: number, bandwidth: number): void {
    const radius = Math.exp((-Math.PI * bandwidth) / DEMO_SAMPLE_RATE);
    const angle = (2 * Math.PI * Math.min(centre, HIGHEST_HZ)) / DEMO_SAMPLE_RATE;
    this.#feedback2 = -radius * radius;
    this.#feedback1 = 2 * radius * Math.cos(angle);
    this.#gain = 1 - this.#feedback1 - this.#feedback2;
  }

  filter(sample: number): number {
    const value = this.#gain * sample + this.#feedback1 * this.#last1 + this.#feedback2 * this.#last2;
    this.#last2 = this.#last1;
    this.#last1 = value;
    return value;
  }
}
