/** For tests: an exported folder whose predictor does as the sample rate of a recording tells it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeWav } from '@prosodia/audio';
import type { Log } from './log.ts';

/** What a recording of this sample rate makes the predictor do. */
export const RATE = {
  predict: 16_000,
  /** End its thread. */
  die: 8001,
  /** Go on for ever, whatever it is told. */
  hang: 8002,
  /** Throw. */
  fail: 8003,
  /** Refuse the recording. */
  refuse: 8004,
  /** Wait until {@link FakeModel.release}. */
  wait: 8005,
} as const;

/**
 * @param oneFile body of the method of that name; none: a predictor without it
 * @param hears_s how much it hears of a recording; none: a predictor that does not say
 */
const predictor = ({ oneFile, hears_s }: FakeOptions) => `
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const labels = ['angry', 'calm', 'sad'];
const released = new URL('../released', import.meta.url);

async function predictOne({ name, source }, { window_s, hop_s, signal }) {
  const view = new DataView(source.bytes.buffer, source.bytes.byteOffset);
  const rate = view.getUint32(24, true);
  if (rate === ${RATE.die}) process.exit(1);
  if (rate === ${RATE.hang}) for (;;) ;
  if (rate === ${RATE.fail}) throw new Error('a bug of the predictor');
  if (rate === ${RATE.refuse}) return { refused: { file: name, reason: 'too quiet' } };
  while (rate === ${RATE.wait} && !existsSync(released)) {
    await sleep(5);
    if (signal.aborted) throw new Error('stopped');
  }
  const isFloat = view.getUint16(34, true) === 32;
  const data = 8 + Buffer.from(view.buffer, view.byteOffset).indexOf('data');
  const duration = view.getUint32(data - 4, true) / view.getUint32(28, true);
  const starts = [0];
  while (starts.at(-1) + window_s < duration) starts.push(starts.at(-1) + hop_s);
  const level = isFloat ? view.getFloat32(data, true) : view.getInt16(data, true) / 32768;
  const probabilities = [level, (1 - level) * 0.75, (1 - level) * 0.25];
  return {
    windows: starts.map((start_s) => ({
      file: name, start_s, end_s: Math.min(duration, start_s + window_s), probabilities,
    })),
  };
}

export function summarizeFiles(labels, predictions) {
  const files = [...new Set(predictions.map(({ file }) => file))];
  return files.map((file) => {
    const windows = predictions.filter((own) => own.file === file);
    const { probabilities, start_s } = windows[0];
    const probability = Math.max(...probabilities);
    const label = labels[probabilities.indexOf(probability)];
    const timeline = [{ start_s, end_s: windows.at(-1).end_s, label, probability }];
    return { file, windows: windows.length, label, probability, probabilities, timeline };
  });
}

export async function openPredictor() {
  return {
    pipeline: 'fake', run: 1, title: 'A model that does as it is told', labels, members: ['forest'], calibrated: true,
    ${hears_s === undefined ? '' : `window_s: ${hears_s}, hears: (s) => (s > ${hears_s} ? { seconds: ${hears_s}, cutBy: 'features' } : { seconds: s }),`}
    ${oneFile === undefined ? '' : `async oneFile() { ${oneFile} },`}
    async predict(files, options) {
      const found = await Promise.all(files.map((file) => predictOne(file, options)));
      return {
        labels,
        predictions: found.flatMap((own) => own.windows ?? []),
        left_out: [],
        refused: found.flatMap((own) => own.refused ?? []),
        notices: [],
      };
    },
  };
}
`;

interface FakeOptions {
  oneFile?: string;
  hears_s?: number;
}

export class FakeModel {
  readonly folder: string;

  constructor(options: FakeOptions = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'prosodia-fake-'));
    mkdirSync(join(this.folder, 'lib'));
    writeFileSync(join(this.folder, 'package.json'), '{ "type": "module" }');
    writeFileSync(join(this.folder, 'lib', 'prosodia.js'), predictor(options));
    writeFileSync(join(this.folder, 'model_card.md'), '# A model that does as it is told\n');
  }

  /** Lets every recording of the rate `wait` go on. */
  release(): void {
    writeFileSync(join(this.folder, 'released'), '');
  }

  hold(): void {
    rmSync(join(this.folder, 'released'), { force: true });
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A recording of 16-bit samples that all have one value. */
export function recording(seconds = 1, rate: number = RATE.predict, level = 0.5): Uint8Array<ArrayBuffer> {
  return new Uint8Array(encodeWav(new Float32Array(Math.round(seconds * rate)).fill(level), rate));
}

/** A form with recordings and fields. */
export function form(
  recordings: readonly Uint8Array<ArrayBuffer>[],
  fields: Readonly<Record<string, string>> = {},
): FormData {
  const data = new FormData();
  for (const [name, value] of Object.entries(fields)) data.set(name, value);
  for (const [i, bytes] of recordings.entries()) data.append('file', new Blob([bytes]), `speech-${i}.wav`);
  return data;
}

/** Keeps what is logged. */
export class KeptLog implements Log {
  readonly lines: string[] = [];

  request(line: object): void {
    this.lines.push(JSON.stringify(line));
  }

  say(message: string): void {
    this.lines.push(message);
  }

  failure(message: string, error: unknown): void {
    this.lines.push(`${message}: ${String(error)}`);
  }
}
