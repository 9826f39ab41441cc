/**
 * The sounds of the demo corpus and the two invented sentences made of them.
 *
 * Formant frequencies are rounded from the adult male means in G. E. Peterson and H. L. Barney, "Control methods
 * used in a study of the vowels" (JASA 24, 1952), and from the consonant loci in D. H. Klatt, "Software for a
 * cascade/parallel formant synthesizer" (JASA 67, 1980).
 */
import type { Statement } from './corpus.ts';

export interface Phone {
  /** Seconds in neutral speech at a normal tempo. */
  duration: number;
  /** Centres of the first four formants in Hz, for a vocal tract of 17.5 cm. */
  formants: readonly [number, number, number, number];
  /** Amplitudes of the voice, of breath through the tract, and of the hiss made in the mouth; 0 to 1. */
  voice: number;
  breath: number;
  hiss: number;
  /** Centre and bandwidth of the hiss in Hz. */
  hissCentre: number;
  hissWidth: number;
}

const NO_HISS = { breath: 0, hiss: 0, hissCentre: 4000, hissWidth: 2000 };

const vowel = (duration: number, ...formants: Phone['formants']): Phone => ({
  ...NO_HISS,
  duration,
  formants,
  voice: 1,
});

/** Nasals, liquids and glides: voiced through a narrowed tract. */
const sonorant = (duration: number, voice: number, ...formants: Phone['formants']): Phone => ({
  ...NO_HISS,
  duration,
  formants,
  voice,
});

const fricative = (
  duration: number,
  voice: number,
  [hiss, hissCentre, hissWidth]: readonly [number, number, number],
  ...formants: Phone['formants']
): Phone => ({ duration, formants, voice, breath: 0, hiss, hissCentre, hissWidth });

const silence = (duration: number, voice: number, ...formants: Phone['formants']): Phone => ({
  ...NO_HISS,
  duration,
  formants,
  voice,
});

/** A stop is a closure, in which the voice may hum on, and a burst. */
const CLOSURE_HUM = 0.06;

const PHONES = {
  iy: vowel(0.11, 280, 2250, 2950, 3600),
  ih: vowel(0.075, 400, 1950, 2550, 3500),
  eh: vowel(0.095, 540, 1820, 2480, 3500),
  aa: vowel(0.13, 720, 1100, 2450, 3400),
  ah: vowel(0.07, 630, 1200, 2400, 3400),
  ao: vowel(0.12, 570, 850, 2400, 3300),
  uw: vowel(0.12, 310, 880, 2250, 3300),
  ow: vowel(0.13, 470, 920, 2350, 3300),
  ey: vowel(0.13, 430, 2080, 2650, 3500),
  ay: vowel(0.14, 640, 1450, 2450, 3400),
  m: sonorant(0.07, 0.45, 260, 1150, 2200, 3200),
  n: sonorant(0.065, 0.45, 270, 1500, 2500, 3300),
  l: sonorant(0.06, 0.6, 350, 1050, 2800, 3400),
  r: sonorant(0.065, 0.6, 350, 1150, 1650, 3200),
  w: sonorant(0.06, 0.5, 300, 700, 2200, 3200),
  s: fricative(0.1, 0, [0.5, 6200, 2600], 320, 1500, 2600, 3500),
  sh: fricative(0.1, 0, [0.55, 3300, 1500], 320, 1750, 2500, 3400),
  f: fricative(0.085, 0, [0.14, 5200, 5000], 340, 1000, 2200, 3300),
  v: fricative(0.06, 0.4, [0.07, 5000, 5000], 300, 1000, 2200, 3300),
  h: { ...vowel(0.06, 500, 1450, 2450, 3400), voice: 0, breath: 0.5 },
  b: silence(0.05, CLOSURE_HUM, 240, 800, 2200, 3300),
  'b!': fricative(0.012, 0.3, [0.3, 900, 900], 300, 900, 2200, 3300),
  d: silence(0.045, CLOSURE_HUM, 240, 1600, 2600, 3300),
  'd!': fricative(0.014, 0.2, [0.45, 4200, 2200], 300, 1650, 2600, 3300),
  t: silence(0.06, 0, 260, 1650, 2600, 3300),
  't!': { ...fricative(0.035, 0, [0.6, 4600, 2600], 350, 1700, 2600, 3300), breath: 0.25 },
  k: silence(0.065, 0, 260, 1800, 2300, 3300),
  'k!': { ...fricative(0.04, 0, [0.6, 2100, 900], 380, 1850, 2300, 3300), breath: 0.3 },
} satisfies Record<string, Phone>;

/** A syllable of a sentence: its sounds, and whether the sentence stresses it. */
export interface Syllable {
  phones: readonly Phone[];
  /** Index of the vowel in `phones`. */
  nucleus: number;
  stress: 0 | 1 | 2;
  /** True if a pause may precede it. */
  startsPhrase: boolean;
}

/** "Seven boats came home | at noon today" and "Molly saw the blue fish | near our door"; `'` and `"` are stress. */
const SENTENCES: Record<Statement, string> = {
  '01': '\'s-eh v-ah-n "b-b!-ow-t-t!-s \'k-k!-ey-m "h-ow-m | ah-t \'n-uw-n t-t!-ah "d-d!-ey',
  '02': '"m-aa l-iy \'s-ao d-d!-ah "b-b!-l-uw \'f-ih-sh | n-ih-r \'aa-r "d-d!-ao-r',
};

/** The syllables of one of the two sentences. */
export function sentence(statement: Statement): Syllable[] {
  const syllables: Syllable[] = [];
  let startsPhrase = false;
  for (const token of SENTENCES[statement].split(' ')) {
    if (token === '|') {
      startsPhrase = true;
      continue;
    }
    const stress = token.startsWith('"') ? 2 : token.startsWith("'") ? 1 : 0;
    const names = (stress > 0 ? token.slice(1) : token).split('-') as (keyof typeof PHONES)[];
    const nucleus = names.findIndex((name) => /^[aeiou]/.test(name));
    syllables.push({ phones: names.map((name) => PHONES[name]), nucleus, stress, startsPhrase });
    startsPhrase = false;
  }
  return syllables;
}
