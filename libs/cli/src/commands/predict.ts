/** `prosodia predict`: applies the models of a finished run to recordings of the user. */
import { RequestError } from '@prosodia/core';
import { type PredictResult, type Predictor, openPredictor } from '@prosodia/runner';
import type { ParsedArgs } from '../args.ts';
import { EXIT } from '../exit.ts';
import type { Command } from './command.ts';
import { recordingsIn } from './predict-files.ts';
import { type Settings, asCsv, asObject, asTable } from './predict-output.ts';
import { finishedRun } from './finished-run.ts';

const USAGE = '<run> FILE|DIR|- ...';

export const predict: Command = {
  name: 'predict',
  usage: USAGE,
  summary: 'Predicts recordings with a finished run: files, folders, or a recording on standard input.',
  positionals: Infinity,
  options: {
    run: { type: 'value', summary: 'number of the run (default: the latest that finished)', placeholder: 'N' },
    stage: {
      type: 'value',
      summary: 'stage that predicts, or stage[axis=value] (default: what the report judges)',
      placeholder: 'NAME',
    },
    window: {
      type: 'value',
      summary: 'longer recordings are cut into windows (default: what the recipe hears, at most 6)',
      placeholder: 'SECONDS',
    },
    hop: { type: 'value', summary: 'from one window to the next (default: half a window)', placeholder: 'SECONDS' },
    speakers: {
      type: 'value',
      summary: 'who speaks: one (default), or folder: a speaker for each folder',
      placeholder: 'one|folder',
    },
    'top-k': { type: 'value', summary: 'labels to show (default: 3)', placeholder: 'K' },
    threshold: { type: 'value', summary: 'uncertain below this probability (default: 0.4)', placeholder: 'P' },
    json: { type: 'flag', summary: 'one JSON object on stdout' },
    csv: { type: 'flag', summary: 'CSV on stdout, a line for each window, a column for each label' },
  },
  async run(args, context) {
    const [name, ...paths] = args.positionals;
    if (name === undefined || paths.length === 0) {
      throw new RequestError({
        problem: 'predict needs a run and recordings',
        expected: `prosodia predict ${USAGE}`,
      });
    }
    if (args.flags.has('json') && args.flags.has('csv')) {
      throw new RequestError({ problem: 'stdout can hold one form only', expected: '--json or --csv', got: 'both' });
    }
    const window = number(args, 'window', undefined, { above: 0 });
    const hop = number(args, 'hop', undefined, { above: 0 });
    const top = number(args, 'top-k', 3, { above: 0, whole: true });
    const threshold = number(args, 'threshold', 0.4, { from: 0, to: 1 });
    const project = context.project();
    const run = await finishedRun(project, name, args.values.get('run'));
    const files = await recordingsIn(paths, context.cwd, speakersOf(args));
    const stop = new AbortController();
    const onSignal = () => stop.abort();
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
    const started = performance.now();
    let predictor: Predictor | undefined;
    let result: PredictResult;
    let window_s: number;
    let hop_s: number;
    try {
      predictor = await openPredictor(project, run, { stage: args.values.get('stage') });
      window_s = window ?? predictor.window_s;
      hop_s = hop ?? window_s / 2;
      result = await predictor.predict(files, {
        window_s,
        hop_s,
        signal: stop.signal,
        onProgress(stage, done, total, unit) {
          if (!context.err.isTTY || performance.now() - started < 1000) return;
          context.err.write(`\r\x1b[K${stage}: ${done}${total === undefined ? '' : ` of ${total}`} ${unit}`);
        },
      });
    } finally {
      if (context.err.isTTY) context.err.write('\r\x1b[K');
      await predictor?.close();
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    }
    const { calibrated, members, pipeline } = predictor;
    const heard_s = predictor.hears(window_s).seconds;
    const settings: Settings = {
      run: predictor.run,
      pipeline,
      members,
      window_s,
      hop_s,
      heard_s,
      threshold,
      calibrated,
    };
    if (args.flags.has('json')) context.out.write(`${JSON.stringify(asObject(result, settings))}\n`);
    else context.out.write(args.flags.has('csv') ? asCsv(result, settings) : asTable(result, settings, top));
    for (const notice of result.notices) context.err.write(`note: ${notice}\n`);
    for (const { file, start_s, end_s, reason } of result.left_out) {
      context.err.write(`left out: ${file}, ${start_s.toFixed(2)}-${end_s.toFixed(2)} s: ${reason}\n`);
    }
    for (const { file, reason } of result.refused) context.err.write(`refused: ${file}: ${reason}\n`);
    return result.refused.length > 0 ? EXIT.stageFailed : EXIT.done;
  },
};

function speakersOf(args: ParsedArgs): 'one' | 'folder' {
  const text = args.values.get('speakers') ?? 'one';
  if (text === 'one' || text === 'folder') return text;
  throw new RequestError({ problem: '--speakers says who speaks', expected: 'one or folder', got: text });
}

function number<Otherwise extends number | undefined>(
  args: ParsedArgs,
  name: string,
  otherwise: Otherwise,
  { above = -Infinity, from = -Infinity, to = Infinity, whole = false },
): number | Otherwise {
  const text = args.values.get(name);
  if (text === undefined) return otherwise;
  const value = Number(text);
  const fits = value > above && value >= from && value <= to && (!whole || Number.isInteger(value));
  if (text.trim() !== '' && Number.isFinite(value) && fits) return value;
  throw new RequestError({
    problem: `--${name} is a ${whole ? 'whole ' : ''}number`,
    expected: to < Infinity ? `${from} to ${to}` : `above ${above}`,
    got: text,
  });
}
