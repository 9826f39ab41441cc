/** `prosodia predict` and `prosodia export` on recordings of every kind, and on what is none. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { encodeWav } from '@prosodia/audio';
import { Rng } from '@prosodia/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyProject } from './support/corpus.ts';
import { type CliOptions, type TestProject } from './support/project.ts';
import { predictedAgain } from './support/recipes.ts';

interface Output {
  labels: string[];
  threshold: number;
  calibrated: boolean;
  files: { file: string; windows: number; timeline: { start_s: number; end_s: number; label: string }[] }[];
  predictions: {
    file: string;
    start_s: number;
    end_s: number;
    uncertain: boolean;
    probabilities: Record<string, number>;
  }[];
  refused: { file: string; reason: string }[];
  notices: string[];
}

const RAVDESS = fileURLToPath(new URL('../../shared/ravdess-speech', import.meta.url));

let project: TestProject;
let data: string;
let folder: string;

beforeAll(async () => {
  ({ project, data } = tinyProject());
  folder = join(project.root, 'given');
  mkdirSync(folder);
  cpSync(fileURLToPath(new URL('fixtures/speech.yaml', import.meta.url)), join(project.root, 'pipelines/speech.yaml'));
  const { code, err } = await project.cli(['run', 'speech', '--json', `--data=${data}`]);
  expect(code, err).toBe(0);
});
afterAll(() => project.remove());

/** A voice-like tone, a different one in each channel. */
function tone(seconds: number, rate: number, channels = 1): Float32Array[] {
  const rng = new Rng(7, seconds, rate);
  return Array.from({ length: channels }, (_, channel) =>
    Float32Array.from(
      { length: Math.round(seconds * rate) },
      (_, i) => 0.3 * Math.sign(Math.sin((2 * Math.PI * 180 * (channel + 1) * i) / rate)) + 0.02 * rng.normal(),
    ),
  );
}

function put(name: string, bytes: Uint8Array | string): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

async function predict(args: readonly string[], options?: CliOptions) {
  const ended = await project.cli(['predict', 'speech', ...args, '--json'], options);
  return { ...ended, output: JSON.parse(ended.out) as Output };
}

describe('predict', () => {
  it('gives test recordings the probabilities they had in the run', async () => {
    const { before, now } = await predictedAgain(project, 'speech', data);
    expect(before).toHaveLength(20);
    expect(now).toEqual(before);
  });

  it('takes any sample rate, number of channels, depth and length', async () => {
    const paths = [
      put('8k.wav', encodeWav(tone(1, 8000), 8000)),
      put('44k-stereo.wav', encodeWav(tone(1, 44100, 2), 44100)),
      put('96k.wav', encodeWav(tone(1, 96000), 96000)),
      put('48k-24bit.wav', encodeWav(tone(1, 48000), 48000, { format: 'pcm24' })),
      put('16k-float.wav', encodeWav(tone(1, 16000), 16000, { format: 'float32' })),
      put('short.wav', encodeWav(tone(0.2, 16000), 16000)),
      put('long.wav', encodeWav(tone(60, 8000), 8000)),
    ];
    const { code, err, output } = await predict(paths);
    expect(code, err).toBe(0);
    expect(output.files.map(({ file, windows }) => [file, windows])).toEqual(
      paths.map((path) => [path, path.endsWith('long.wav') ? 19 : 1]),
    );
    for (const { probabilities } of output.predictions) {
      expect(Object.values(probabilities).reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    }
    const { timeline } = output.files.at(-1)!;
    expect(timeline[0]!.start_s).toBe(0);
    expect(timeline.at(-1)!.end_s).toBe(60);
    timeline.slice(1).forEach(({ start_s }, i) => expect(start_s).toBe(timeline[i]!.end_s));
  });

  it('says of what it cannot judge well why: hardly any sound, or less of it than the recipe hears', async () => {
    const quiet = put('quiet.wav', encodeWav(new Float32Array(8000).fill(1e-4), 8000));
    const narrow = put('narrow.wav', encodeWav(tone(1, 6000), 6000));
    const { output } = await predict([quiet, narrow, put('usual.wav', encodeWav(tone(1, 8000), 8000))]);
    expect(output.notices).toEqual([
      `hardly any sound (nothing above -60 dB of full scale): a prediction means nothing: ${quiet}`,
      'recorded at 6000 Hz, heard at 8000 Hz: there is nothing above 3000 Hz, which weakens a prediction unless the ' +
        `recipe learned from such recordings: ${narrow}`,
    ]);
  });

  it('refuses what is no recording, each with its reason, and predicts the others', async () => {
    const whole = encodeWav(tone(1, 8000), 8000, { format: 'float32' });
    const holed = whole.slice();
    new DataView(holed.buffer).setFloat32(holed.length - 400, NaN, true);
    const paths = [
      put('empty.wav', ''),
      put('nan.wav', holed),
      put('text.wav', 'this is no recording'),
      put('truncated.wav', whole.subarray(0, 60)),
      join(folder, 'missing.wav'),
      put('good.wav', whole),
    ];
    const { code, err, output } = await predict(paths);
    expect(code).toBe(1);
    expect(output.predictions.map(({ file }) => file)).toContain(paths.at(-1));
    const reasons: Record<string, string> = Object.fromEntries(
      output.refused.map(({ file, reason }) => [file.split('/').at(-1), reason]),
    );
    expect(Object.keys(reasons)).toEqual(expect.arrayContaining(['empty.wav', 'nan.wav', 'text.wav', 'missing.wav']));
    expect(reasons['nan.wav']).toMatch(/NaN|finite/);
    expect(reasons['missing.wav']).toBe('there is no such file');
    for (const [name, reason] of Object.entries(reasons)) {
      expect(reason.length).toBeGreaterThan(5);
      expect(err).toContain(`${name}: ${reason}`);
    }
  });

  it('gives JSON, CSV and text their form where every file is refused, and fails', async () => {
    const bad = put('bad.wav', 'no');
    const { code, output } = await predict([bad]);
    expect(code).toBe(1);
    expect(output).toMatchObject({ labels: ['angry', 'calm', 'happy', 'sad'], files: [], predictions: [] });
    expect(output.refused).toHaveLength(1);
    const csv = await project.cli(['predict', 'speech', bad, '--csv']);
    expect([csv.code, csv.out]).toEqual([1, 'file,start_s,end_s,label,uncertain,angry,calm,happy,sad\n']);
    const text = await project.cli(['predict', 'speech', bad]);
    expect([text.code, text.err]).toEqual([1, expect.stringContaining('refused: ')]);
    expect(text.out).toMatch(/^run 1 of speech: vote; /);
  });

  it('reads a recording from standard input', async () => {
    const bytes = encodeWav(tone(1, 16000), 16000);
    const path = put('piped.wav', bytes);
    const { code, err, output } = await predict(['-', path], { input: bytes });
    expect(code, err).toBe(0);
    expect(output.predictions.map(({ file }) => file)).toEqual(['stdin', path]);
    expect(output.predictions[0]!.probabilities).toEqual(output.predictions[1]!.probabilities);
  });

  it('shows as many labels as asked for, states the threshold, a time line, and whether it is calibrated', async () => {
    // A tone, and then a hiss.
    const hiss = Float32Array.from({ length: 12_000 }, (_, i) => 0.3 * Math.sin(i * i * 0.7));
    const [voice] = tone(1.5, 8000);
    const path = put('shown.wav', encodeWav([Float32Array.of(...voice!, ...hiss)], 8000));
    const args = ['predict', 'speech', path, '--window=1', '--top-k=2', '--threshold=1'];
    const { code, out, err } = await project.cli(args);
    expect(code, err).toBe(0);
    const [first, ...rest] = out.split('\n');
    expect(first).toMatch(/shown\.wav +0\.00-3\.00 s +uncertain \(\w+\?\) +\w+ 0\.\d{3} {2}\w+ 0\.\d{3}$/);
    const parts = rest.slice(0, rest.indexOf(''));
    const said = parts.map((line) => /^ +(\d\.\d\d)-(\d\.\d\d) s +uncertain \((\w+)\?\)/.exec(line)!.slice(1));
    const { output: long } = await predict([path, '--window=1']);
    const spans = long.files[0]!.timeline.map((own) => [own.start_s.toFixed(2), own.end_s.toFixed(2), own.label]);
    // A recording that says the same throughout is one line.
    expect(said).toEqual(spans.length > 1 ? spans : []);
    expect(out).toContain(
      'windows of 1 s every 0.5 s; uncertain below 1; probabilities as the models give them, not cal',
    );
    const { output } = await predict([path, '--threshold=1']);
    expect(output).toMatchObject({ threshold: 1, calibrated: false, predictions: [{ uncertain: true }] });
  });

  it.each([
    ['--top-k=0', '--top-k is a whole number'],
    ['--threshold=1.5', '--threshold is a number'],
    ['--window=-1', '--window is a number'],
    ['--json --csv', 'stdout can hold one form only'],
    ['--speakers=two', '--speakers says who speaks'],
  ])('refuses %s', async (option, message) => {
    const { code, err } = await project.cli(['predict', 'speech', 'x.wav', ...option.split(' ')]);
    expect([code, err]).toEqual([2, expect.stringContaining(message)]);
  });

  it('predicts real recordings', async (context) => {
    if (!existsSync(RAVDESS)) context.skip('../shared/ravdess-speech is not there');
    const actor = join(RAVDESS, 'Actor_01');
    const paths = readdirSync(actor)
      .slice(0, 3)
      .map((name) => join(actor, name));
    const { code, err, output } = await predict(paths);
    expect(code, err).toBe(0);
    expect(output.files.map(({ file }) => file)).toEqual(paths);
  });
});

describe('export', () => {
  it('writes a folder that predicts as the run does, without the project, in memory or through files', async () => {
    const to = join(project.root, 'exported');
    const { code, err } = await project.cli(['export', 'speech', '--to', to]);
    expect(code, err).toBe(0);
    const { dependencies } = JSON.parse(readFileSync(join(to, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    expect(Object.keys(dependencies)).toContain('onnxruntime-node');
    expect(Object.values(dependencies).every((version) => /^\d/.test(version))).toBe(true);
    // As installed by npm, but nothing of the project: only what package.json names.
    for (const name of Object.keys(dependencies)) {
      const place = join(to, 'node_modules', name);
      mkdirSync(join(place, '..'), { recursive: true });
      symlinkSync(fileURLToPath(new URL(`../node_modules/${name}`, import.meta.url)), place);
    }
    const paths = ['01_calm_1.wav', '03_angry_2.wav'].map((name) => join(data, name));
    const { output } = await predict(paths);
    const { stdout } = await promisify(execFile)(process.execPath, ['predict.mjs', ...paths], { cwd: to });
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Output['predictions'][number]);
    expect(lines.map(({ probabilities }) => probabilities)).toEqual(
      output.predictions.map(({ probabilities }) => probabilities),
    );

    // A recording of the test is cut into windows, so that there are parts of recordings to keep, too.
    const through = async (memory_bytes: number) => {
      const options = { memory_bytes, window_s: 0.25 };
      const script = `import { openPredictor } from './lib/prosodia.js';
        const files = process.argv.slice(1).map((path) => ({ name: path, source: { path } }));
        const predictor = await openPredictor();
        console.log(JSON.stringify(await predictor.predict(files, ${JSON.stringify(options)})));`;
      const args = ['--input-type=module', '-e', script, '--', ...paths];
      return (await promisify(execFile)(process.execPath, args, { cwd: to })).stdout;
    };
    const inMemory = await through(2 ** 28);
    expect((JSON.parse(inMemory) as Output).predictions.length).toBeGreaterThan(4);
    expect(await through(0)).toBe(inMemory);
    expect(await through(20_000)).toBe(inMemory);

    await promisify(execFile)(process.execPath, ['features.mjs', ...paths], { cwd: to });
    const features = JSON.parse(readFileSync(join(to, 'features.json'), 'utf8')) as {
      instance: string;
      shape: number[];
      rows: { values: number[] }[];
    }[];
    expect(features.map(({ instance, shape, rows }) => [instance, shape, rows.length])).toEqual([
      ['dnn', [6], 2],
      ['forest', [6], 2],
    ]);
    const card = readFileSync(join(to, 'model_card.md'), 'utf8');
    for (const heading of ['Intended use', 'Results', 'leaks', 'Limits', 'Licence of the data']) {
      expect(card).toContain(heading);
    }
    expect(readFileSync(join(to, 'README.md'), 'utf8')).toContain('node predict.mjs speech.wav');
    expect(readFileSync(join(to, 'lib', 'prosodia.js'), 'utf8')).not.toContain(project.root);
  });

  it('refuses a folder that is not empty, a file, and a run that is not there, and says how to mend it', async () => {
    const cases = [
      [['speech', '--to', data], 'is not empty', 'remove this one'],
      [['speech', '--to', join(data, '01_calm_1.wav')], 'no folder to export to', '--to another folder'],
      [['speech/9'], 'there is no run speech/9', 'npx prosodia runs'],
      [['spech'], 'there is no run spech', 'did you mean speech?'],
    ] as const;
    for (const [args, problem, fix] of cases) {
      const { code, err } = await project.cli(['export', ...args]);
      expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
      expect(err).toContain(fix);
    }
  });
});
