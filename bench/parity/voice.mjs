/**
 * Compares the measures of voice quality with Praat's on real recordings: correlation and typical deviation.
 *
 *   PYTHON=path/to/python node bench/parity/voice.mjs --data path/to/ravdess [--every 15]
 */
import { register } from 'tsx/esm/api';

register();
const { VOICE_QUALITY_NAMES, voiceQuality } = await import('@prosodia/dsp');
const { SR, besidePeer, bothSides, correlation } = await import('./recordings.mjs');

const pairs = await besidePeer({
  script: 'praat.py',
  needs: 'praat-parselmouth',
  every: 15,
  measure: (y) => voiceQuality(y, { sr: SR }),
});

console.log('| measure | clips | correlation | median deviation, % |\n| --- | --- | --- | --- |');
for (const name of VOICE_QUALITY_NAMES) {
  const both = bothSides(pairs, name);
  const away = both.map(([a, b]) => Math.abs(a - b) / Math.abs(b)).sort((a, b) => a - b);
  const median = 100 * away[Math.floor(away.length / 2)];
  console.log(`| ${name} | ${both.length} | ${correlation(both).toFixed(4)} | ${median.toPrecision(2)} |`);
}
