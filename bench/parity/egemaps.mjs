/**
 * Compares the eGeMAPS-style functionals with openSMILE's on real recordings: how far both order the recordings alike.
 *
 *   PYTHON=path/to/python node bench/parity/egemaps.mjs --data path/to/ravdess [--every 24]
 *
 * Prints a row per group of functionals: the median and the range of their correlations over the recordings.
 */
import { register } from 'tsx/esm/api';

register();
const { egemaps } = await import('@prosodia/dsp');
const { SR, besidePeer, bothSides, correlation } = await import('./recordings.mjs');

const pairs = await besidePeer({
  script: 'opensmile_peer.py',
  needs: 'opensmile 2',
  every: 24,
  measure: (y) => egemaps(y, { sr: SR }),
});

const GROUPS = {
  'pitch: level (mean, percentiles, range)': /^F0.*(amean|percentile|pctl)/,
  'pitch: spread and slopes': /^F0.*(stddevNorm|Slope)/,
  'loudness: level, spread, slopes': /^loudness_/,
  'loudness peaks per second': /^loudnessPeaks/,
  'equivalent sound level': /^equivalent/,
  'jitter, shimmer: means': /^(jitter|shimmer).*amean/,
  'harmonics-to-noise: mean': /^HNR.*amean/,
  'H1-H2, H1-A3: means': /^logRel.*amean/,
  'formants: frequencies and bandwidths': /^F[123](freq|band)/,
  'formants: levels': /^F[123]amp/,
  'spectral flux': /^spectralFlux/,
  'MFCC 1 to 4: means': /^mfcc.*amean/,
  'alpha ratio, Hammarberg index: means': /^(alpha|hammar).*amean/,
  'spectral slopes: means': /^slope.*amean/,
  'coefficients of variation of what may be 0': /^(mfcc|slope|alpha|hammar|logRel|jitter|shimmer|HNR).*stddevNorm/,
  'voiced and unvoiced segments': /Segment/,
};

const spread = (names) => {
  const sorted = names.map((name) => correlation(bothSides(pairs, name))).sort((a, b) => a - b);
  return [sorted[Math.floor(sorted.length / 2)], sorted[0], sorted.at(-1)].map((value) => value.toFixed(2));
};
const names = Object.keys(pairs[0][0]);
console.log('| group | functionals | correlation: median | least | largest |\n| --- | --- | --- | --- | --- |');
for (const [group, pattern] of Object.entries(GROUPS)) {
  const some = names.filter((name) => pattern.test(name));
  console.log(`| ${group} | ${some.length} | ${spread(some).join(' | ')} |`);
}
console.log(`| all | ${names.length} | ${spread(names).join(' | ')} |`);
