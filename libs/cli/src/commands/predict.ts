/** `prosodia predict`: applies the models of a finished run to recordings of the user. */
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { RequestError } from '@prosodia/core';
import { type PredictResult, predictRun, readRecord } from '@prosodia/runner';
import type { ParsedArgs } from '../args.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit.ts';
import { columns } from '../ui/style.ts';
import type { Command } from './command.ts';

const USAGE = '<pipeline> FILE|DIR|- ...';

export const predict: Command = {
  name: 'predict',
  usage: USAGE,
  summary: 'Predicts recordings with a finished run: files, folders, or WAV on standard input.',
  positionals: Infinity,
  options: {
    run: { type: 'value', summary: 'number of the run (default: latest)', placeholder: 'N' },
    stage: { type: 'value', summary: 'stage that predicts (default: what the report judges)', placeholder: 'NAME' },
    window: { type: 'value', summary: 'longer recordings are cut into windows (default: 6)', placeholder: 'SECONDS' },
    hop: { type: 'value', summary: 'from one window to the next (default: half a window)', placeholder: 'SECONDS' },
    'top-k': { type: 'value', summary: 'labels to show (default: 3)', placeholder: 'K' },
    threshold: { type: 'value', summary: 'uncertain below this probability (default: 0.4)', placeholder: 'P' },
    json: { type: 'flag', summary: 'one JSON object on stdout' },
    csv: { type: 'flag', summary: 'CSV on stdout, a column for each label' },
  },
  async run(args, context) {
    const [pipeline, ...paths] = args.positionals;
    if (pipeline === undefined || paths.length === 0) {
      throw new RequestError({
        problem: 'predict needs a pipeline and recordings',
        expected: `prosodia predict ${USAGE}`,
      });
    }
    const window_s = number(args, 'window', 6, 0);
    const hop_s = number(args, 'hop', window_s / 2, 0);
    const top = number(args, 'top-k', 3, 0);
    const threshold = number(args, 'threshold', 0.4, -1);
    const project = context.project();
    const folder = join(project.artifacts, 'runs', pipeline, args.values.get('run') ?? 'latest');
    const record = await readRecord(folder);
    if (!record) {
      throw new RequestError({
        problem: `there is no such run of ${pipeline}`,
        expected: folder,
        fix: `npx prosodia run ${pipeline}`,
      });
    }
    const work = await mkdtemp(join(tmpdir(), 'prosodia-stdin-'));
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    const started = performance.now();
    try {
      const result = await predictRun(project, folder, record, {
        files: await filesIn(paths, context.cwd, work),
        window_s,
        hop_s,
        ...(args.values.has('stage') ? { stage: args.values.get('stage')! } : {}),
        signal: stop.signal,
        onProgress(stage, done, total, unit) {
          if (!context.err.isTTY || performance.now() - started < 1000) return;
          context.err.write(`\r\x1b[K${stage}: ${done}${total === undefined ? '' : ` of ${total}`} ${unit}`);
        },
      });
      if (context.err.isTTY) context.err.write('\r\x1b[K');
      const uncertain = (p: number) => p < threshold;
      const settings = { run: record.run, pipeline, window_s, hop_s, threshold, calibrated: false };
      if (args.flags.has('json'))
        context.out.write(`${JSON.stringify({ ...settings, ...asObjects(result, uncertain) })}\n`);
      else if (args.flags.has('csv')) context.out.write(asCsv(result, uncertain));
      else context.out.write(asTable(result, uncertain, top, settings));
      for (const notice of result.notices) context.err.write(`note: ${notice}\n`);
      for (const { file, reason } of result.refused) context.err.write(`refused: ${file}: ${reason}\n`);
      return result.refused.length > 0 ? EXIT.stageFailed : EXIT.done;
    } finally {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      await rm(work, { recursive: true, force: true });
    }
  },
};

/** A number above `low`. */
function number(args: ParsedArgs, name: string, otherwise: number, low: number): number {
  const text = args.values.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > low) return value;
  throw new RequestError({ problem: `--${name} is a number`, expected: `above ${low}`, got: text });
}

/** Named files as they are, WAV and FLAC files below folders in order of their names, and `-` for standard input. */
async function filesIn(paths: readonly string[], cwd: Context['cwd'], work: string) {
  const files: { name: string; path: string }[] = [];
  for (const given of paths) {
    const path = given === '-' ? join(work, 'stdin.wav') : resolve(cwd, given);
    if (given === '-') {
      await writeFile(path, readFileSync(0));
      files.push({ name: 'stdin', path });
    } else if ((await stat(path).catch(() => undefined))?.isDirectory()) {
      const names = (await readdir(path, { recursive: true })).filter((name) => /\.(wav|flac)$/i.test(name)).sort();
      if (names.length === 0) {
        throw new RequestError({ problem: 'the folder holds no recording', expected: 'WAV or FLAC files', got: given });
      }
      for (const name of names) files.push({ name: join(given, name), path: join(path, name) });
    } else files.push({ name: given, path });
  }
  return files;
}

function ranked(labels: readonly string[], probabilities: readonly number[]) {
  return labels
    .map((label, i) => ({ label, probability: probabilities[i]! }))
    .sort((a, b) => b.probability - a.probability);
}

function asObjects({ labels, predictions, ...rest }: PredictResult, uncertain: (p: number) => boolean) {
  return {
    labels,
    ...rest,
    predictions: predictions.map(({ probabilities, ...place }) => {
      const best = ranked(labels, probabilities)[0]!;
      const byLabel = Object.fromEntries(labels.map((label, i) => [label, probabilities[i]]));
      return { ...place, label: best.label, uncertain: uncertain(best.probability), probabilities: byLabel };
    }),
  };
}

function asCsv({ labels, predictions }: PredictResult, uncertain: (p: number) => boolean): string {
  const lines = predictions.map(({ file, start_s, end_s, probabilities }) => {
    const best = ranked(labels, probabilities)[0]!;
    return [quoted(file), start_s, end_s, best.label, uncertain(best.probability), ...probabilities].join(',');
  });
  return [['file', 'start_s', 'end_s', 'label', 'uncertain', ...labels].join(','), ...lines, ''].join('\n');
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function asTable(
  { labels, predictions, members }: PredictResult,
  uncertain: (p: number) => boolean,
  top: number,
  {
    run,
    pipeline,
    window_s,
    hop_s,
    threshold,
  }: Record<'run' | 'window_s' | 'hop_s' | 'threshold', number> & { pipeline: string },
): string {
  const rows = predictions.map(({ file, start_s, end_s, probabilities }) => {
    const best = ranked(labels, probabilities);
    return [
      file,
      `${start_s.toFixed(2)}-${end_s.toFixed(2)} s`,
      uncertain(best[0]!.probability) ? `uncertain (${best[0]!.label}?)` : best[0]!.label,
      best
        .slice(0, top)
        .map(({ label, probability }) => `${label} ${probability.toFixed(3)}`)
        .join('  '),
    ];
  });
  const said =
    `run ${run} of ${pipeline}, ${members.join(' + ')}; windows of ${window_s} s every ${hop_s} s; ` +
    `uncertain below ${threshold}; probabilities as the models give them, not calibrated`;
  return `${rows.length > 0 ? `${columns(rows)}\n\n` : ''}${said}\n`;
}
