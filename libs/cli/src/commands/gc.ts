/** `prosodia gc`: makes room in the store, without taking anything that a kept or living run needs. */
import { RequestError } from '@prosodia/core';
import { type GcReport, collectGarbage, pinRun } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { parseBytes, parseDuration } from '../quantities.ts';
import { columns, formatBytes, styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';

export const gc: Command = {
  name: 'gc',
  usage: '[--max-size SIZE] [--older-than TIME] [--keep N] [--dry-run]',
  summary: 'Makes room in the store; never takes what a kept run refers to.',
  positionals: 0,
  options: {
    'max-size': {
      type: 'value',
      summary: 'results longest unused go until this is left, say 10GB',
      placeholder: 'SIZE',
    },
    'older-than': {
      type: 'value',
      summary: 'results not used, and runs not begun, for so long go, say 30d',
      placeholder: 'TIME',
    },
    keep: {
      type: 'value',
      summary: 'finished runs of each pipeline that are kept (default 1, the latest)',
      placeholder: 'N',
    },
    pin: { type: 'list', summary: 'keep this run whatever comes', placeholder: 'PIPELINE/N' },
    unpin: { type: 'list', summary: 'no longer', placeholder: 'PIPELINE/N' },
    'dry-run': { type: 'flag', summary: 'only say what would go' },
    json: { type: 'flag', summary: 'as JSON on stdout' },
  },
  async run(args, context) {
    const project = context.project();
    const pins = args.lists.get('pin') ?? [];
    const unpins = args.lists.get('unpin') ?? [];
    const size = args.values.get('max-size');
    const age = args.values.get('older-than');
    const options = {
      ...(size === undefined ? {} : { maxBytes: parseBytes('max-size', size) }),
      ...(age === undefined ? {} : { olderThanMs: parseDuration('older-than', age) }),
      keep: parseKeep(args.values.get('keep')),
      dryRun: args.flags.has('dry-run'),
    };
    for (const name of pins) await pinRun(project, name, true);
    for (const name of unpins) await pinRun(project, name, false);
    const report = await collectGarbage(project, options);
    if (args.flags.has('json')) context.out.write(`${JSON.stringify(report)}\n`);
    else context.out.write(textOf(report, styleFor(context.out)));
    return EXIT.done;
  },
};

function parseKeep(text = '1'): number {
  const keep = Number(text);
  if (Number.isInteger(keep) && keep >= 1) return keep;
  throw new RequestError({ problem: '--keep is a number of runs', expected: 'a whole number from 1', got: text });
}

function textOf(report: GcReport, { bold, dim, yellow }: ReturnType<typeof styleFor>): string {
  const rows = report.stages.map(({ stage, results, bytes }) => [
    `  ${stage}`,
    count(results, 'result'),
    formatBytes(bytes),
  ]);
  const { orphans, leftovers, runs, forgotten, kept } = report;
  if (orphans.folders > 0) {
    rows.push(['  no result points at', count(orphans.folders, 'folder'), formatBytes(orphans.bytes)]);
  }
  if (leftovers.entries > 0) {
    rows.push(['  left by killed runs', count(leftovers.entries, 'entry', 'entries'), formatBytes(leftovers.bytes)]);
  }
  if (runs.length > 0) rows.push(['  records of runs', count(runs.length, 'run'), dim(shorten(runs))]);
  if (forgotten > 0) rows.push(['  digests of files that are gone', count(forgotten, 'file'), '']);
  const verb = report.dry_run ? 'would go' : 'removed';
  const lines =
    rows.length === 0 ? [report.dry_run ? 'nothing would go' : 'nothing to remove'] : [bold(verb), columns(rows)];
  lines.push(
    `${formatBytes(report.before_bytes)} ${report.dry_run ? 'would become' : 'became'} ${formatBytes(report.after_bytes)}`,
  );
  lines.push(
    dim(
      `kept: ${count(kept.runs.length, 'run')}, ${formatBytes(kept.bytes)}${kept.runs.length > 0 ? ` (${shorten(kept.runs)})` : ''}`,
    ),
  );
  if (report.over_budget_bytes > 0) {
    lines.push(
      yellow(`${formatBytes(report.over_budget_bytes)} above the limit are needed by runs that are kept or going on`),
    );
  }
  return `${lines.join('\n')}\n`;
}

function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

function shorten(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} and ${names.length - 4} more` : names.join(', ');
}
