/**
 * A model for tests of the page, twice: as an exported folder for the server, as one ONNX file for the browser. The
 * louder a sound on average, the angrier.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { graphMessage, modelBytes, nodeMessage, tensorMessage } from '@prosodia/onnx';

export const LABELS = ['angry', 'calm', 'sad'];
/** Logits: the mean of the absolute samples times the first, plus the second. */
const WEIGHTS = [60, 0, -10];
const OFFSETS = [0, 2, 0.5];

const PREDICTOR = (name: string, calibrated: boolean) => `
const labels = ${JSON.stringify(LABELS)};
const weights = ${JSON.stringify(WEIGHTS)};
const offsets = ${JSON.stringify(OFFSETS)};

function probabilitiesOf(samples) {
  const mean = samples.reduce((sum, x) => sum + Math.abs(x), 0) / samples.length;
  const powers = weights.map((weight, c) => Math.exp(weight * mean + offsets[c]));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

function samplesOf(bytes) {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const at = data.indexOf('data') + 8;
  const size = data.readUInt16LE(34) / 8;
  const count = Math.floor((data.length - at) / size);
  const read = (i) => (size === 4 ? data.readFloatLE(at + 4 * i) : data.readInt16LE(at + 2 * i) / 32768);
  return { samples: Float32Array.from({ length: count }, (_, i) => read(i)), rate: data.readUInt32LE(24) };
}

export function summarizeFiles(labels, predictions) {
  const best = (own) => own.indexOf(Math.max(...own));
  return [...new Set(predictions.map(({ file }) => file))].map((file) => {
    const own = predictions.filter((window) => window.file === file);
    const probabilities = labels.map((_, c) => own.reduce((sum, row) => sum + row.probabilities[c], 0) / own.length);
    const timeline = own.map(({ start_s, end_s, probabilities }, i) => ({
      start_s, end_s: own[i + 1]?.start_s ?? end_s, label: labels[best(probabilities)], probability: Math.max(...probabilities),
    }));
    const label = labels[best(probabilities)];
    return { file, windows: own.length, label, probability: Math.max(...probabilities), probabilities, timeline };
  });
}

export async function openPredictor() {
  return {
    pipeline: '${name}', run: 1, title: 'Loud is angry, quiet is calm, and what lies between is one or the other', labels, members: ['mean'], calibrated: ${String(calibrated)},
    async predict(files, { window_s, hop_s }) {
      const predictions = files.flatMap(({ name, source }) => {
        const { samples, rate } = samplesOf(source.bytes);
        const duration = samples.length / rate;
        const starts = [0];
        while (starts.at(-1) + window_s < duration) starts.push(Math.min(starts.at(-1) + hop_s, duration - window_s));
        return starts.map((start_s) => {
          const end_s = Math.min(duration, start_s + window_s);
          const piece = samples.subarray(Math.round(start_s * rate), Math.round(end_s * rate));
          return { file: name, start_s, end_s, probabilities: probabilitiesOf(piece) };
        });
      });
      const notices = window_s > 10 ? ['of the longest window, only a part is heard'] : [];
      return { labels, predictions, left_out: [], refused: [], notices };
    },
  };
}
`;

export class PageModel {
  readonly folder: string;
  readonly oneFile: string;

  constructor(name: string, calibrated: boolean) {
    this.folder = mkdtempSync(join(tmpdir(), 'prosodia-page-'));
    mkdirSync(join(this.folder, 'lib'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(this.folder, 'lib', 'prosodia.js'), PREDICTOR(name, calibrated));
    this.oneFile = join(this.folder, 'model.onnx');
    writeFileSync(this.oneFile, oneFileModel());
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function oneFileModel(): Uint8Array {
  const node = (op: string, inputs: string[], output: string) => nodeMessage({ op, inputs, outputs: [output] });
  const graph = graphMessage({
    name: 'loudness',
    nodes: [
      node('Abs', ['waveform'], 'absolute'),
      node('ReduceMean', ['absolute', 'axis'], 'mean'),
      node('MatMul', ['mean', 'weights'], 'weighted'),
      node('Add', ['weighted', 'offsets'], 'logits'),
      node('Softmax', ['logits'], 'probabilities'),
    ],
    initializers: [
      tensorMessage('axis', 'int64', [1], BigInt64Array.of(1n)),
      tensorMessage('weights', 'float32', [1, LABELS.length], Float32Array.from(WEIGHTS)),
      tensorMessage('offsets', 'float32', [LABELS.length], Float32Array.from(OFFSETS)),
    ],
    inputs: [{ name: 'waveform', element: 'float32', shape: ['batch', 'samples'] }],
    outputs: [{ name: 'probabilities', element: 'float32', shape: ['batch', LABELS.length] }],
  });
  return modelBytes(graph, { '': 18 }, { sample_rate: '16000', labels: JSON.stringify(LABELS) });
}
