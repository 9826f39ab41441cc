/**
 * Shows a run: live lines in a terminal, one line per event elsewhere, JSON lines on request.
 *
 * Everything about progress goes to stderr, except with `--json`; results go to stdout.
 */
import type { RunEvent } from '@prosodia/runner';
import { Progress } from './progress.ts';
import { type Style, formatBytes, formatSeconds, styleFor, width } from './style.ts';

export interface Reporter {
  onEvent(event: RunEvent): void;
  /** Something to say that is no event of the run; on stderr in any case. */
  say(text: string): void;
  /** Gives the terminal back. */
  close(): void;
}

/** Where output goes; replaced in tests. */
export interface Streams {
  out: NodeJS.WritableStream & { isTTY?: boolean };
  err: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
}

export function reporterFor(streams: Streams, json: boolean): Reporter {
  if (json) {
    return {
      onEvent: (event) => streams.out.write(`${JSON.stringify(event)}\n`),
      say: (text) => streams.err.write(`${text}\n`),
      close: () => undefined,
    };
  }
  return streams.err.isTTY && process.env['TERM'] !== 'dumb' ? new LiveReporter(streams) : new PlainReporter(streams);
}

/** What both textual reporters say; they differ in how running stages are shown. */
abstract class TextReporter implements Reporter {
  protected readonly streams: Streams;
  protected readonly style: Style;
  protected readonly running = new Map<string, Progress>();
  #width = 8;

  constructor(streams: Streams) {
    this.streams = streams;
    this.style = styleFor(streams.err);
  }

  onEvent(event: RunEvent): void {
    const { bold, dim, green, red, yellow, cyan } = this.style;
    switch (event.event) {
      case 'plan':
        this.#width = Math.max(...event.stages.map((name) => name.length));
        this.print(`${bold(event.pipeline)}  ${event.title}`);
        break;
      case 'prepare':
        this.print(`  ${cyan('data')}      ${this.#name(event.stage)}  ${event.message}`);
        break;
      case 'start':
        this.running.set(event.stage, new Progress());
        this.started(event.stage, `  ${dim('run')}       ${this.#name(event.stage)}  ${dim(shorten(event.reason))}`);
        break;
      case 'wait':
        this.print(`  ${yellow('waiting')}   ${this.#name(event.stage)}  for the same work in ${event.owner}`);
        break;
      case 'progress': {
        let progress = this.running.get(event.stage);
        if (!progress) this.running.set(event.stage, (progress = new Progress()));
        progress.update(event.done, event.total, event.unit);
        this.progressed(event.stage, progress);
        break;
      }
      case 'notice':
        this.print(`  ${yellow('notice')}    ${this.#name(event.stage)}  ${event.message}`);
        break;
      case 'output':
        this.print(`  ${dim('output')}    ${this.#name(event.stage)}  ${event.text}`);
        break;
      case 'stage': {
        this.running.delete(event.stage);
        const size = event.bytes > 0 ? `${formatBytes(event.bytes)}  ` : '';
        const line = `${this.#name(event.stage)}  ${formatSeconds(event.seconds).padStart(9)}  `;
        if (event.status === 'computed')
          this.print(`  ${green('computed')}  ${line}${size}${dim(this.afterwards(event.reason))}`);
        else if (event.status === 'cached') this.print(`  ${dim('cached')}    ${dim(this.#name(event.stage))}`);
        else if (event.status === 'failed') this.print(`  ${red('failed')}    ${line}`);
        else this.print(`  ${yellow(event.status)} ${this.#name(event.stage)}`);
        break;
      }
      case 'summary':
        this.settle();
        this.streams.out.write(`\n${event.text}\n`);
        break;
      case 'run': {
        this.running.clear();
        const counts = `${event.computed} computed, ${event.cached} cached, ${formatSeconds(event.seconds)}`;
        if (event.ok) this.print(`${green('done')}  ${counts}`);
        else this.print(`${red(event.stopped === 'interrupted' ? 'interrupted' : 'failed')}  ${counts}`);
        break;
      }
    }
  }

  say(text: string): void {
    this.print(text);
  }

  abstract close(): void;
  /** A line that stays. */
  protected abstract print(line: string): void;
  protected abstract started(stage: string, line: string): void;
  protected abstract progressed(stage: string, progress: Progress): void;
  /** What to say of the reason when a stage is done: nothing where its start has said it. */
  protected abstract afterwards(reason: string): string;
  /** Makes stderr ready for output on stdout. */
  protected abstract settle(): void;

  #name(stage: string): string {
    return stage.padEnd(this.#width);
  }
}

/** `status` and the run record have the whole of a long reason. */
function shorten(reason: string): string {
  return reason.length > 100 ? `${reason.slice(0, 99)}…` : reason;
}

const PLAIN_INTERVAL_S = 10;

class PlainReporter extends TextReporter {
  readonly #lastShown = new Map<string, number>();

  close(): void {}

  protected print(line: string): void {
    this.streams.err.write(`${line.trimEnd()}\n`);
  }

  protected started(_stage: string, line: string): void {
    this.print(line);
  }

  protected progressed(stage: string, progress: Progress): void {
    const last = this.#lastShown.get(stage) ?? 0;
    if (progress.seconds - last < PLAIN_INTERVAL_S) return;
    this.#lastShown.set(stage, progress.seconds);
    this.print(`  ...       ${stage}  ${progress.describe(false)}`);
  }

  protected afterwards(): string {
    return '';
  }

  protected settle(): void {}
}

class LiveReporter extends TextReporter {
  #shown = 0;
  #closed = false;
  readonly #timer = setInterval(() => this.#redraw(), 100);
  /** However the process ends, the terminal has its cursor afterwards. */
  readonly #showCursor = () => void this.streams.err.write('\x1b[?25h');

  constructor(streams: Streams) {
    super(streams);
    this.#timer.unref();
    process.once('exit', this.#showCursor);
    streams.err.write('\x1b[?25l');
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#clear();
    process.off('exit', this.#showCursor);
    this.#showCursor();
  }

  protected print(line: string): void {
    this.#clear();
    this.streams.err.write(`${line.trimEnd()}\n`);
    this.#redraw();
  }

  protected started(): void {
    this.#redraw();
  }

  protected progressed(): void {}

  protected afterwards(reason: string): string {
    return shorten(reason);
  }

  protected settle(): void {
    this.#clear();
  }

  #clear(): void {
    if (this.#shown > 0) this.streams.err.write(`\x1b[${this.#shown}A\x1b[0J`);
    this.#shown = 0;
  }

  #redraw(): void {
    const room = Math.max(20, (this.streams.err.columns || 80) - 1);
    const lines = [...this.running].map(([stage, progress]) => {
      const time = progress.reported ? `  ${formatSeconds(progress.seconds)}` : '';
      const line = `  ${this.style.cyan('running')}   ${stage}  ${progress.describe(true)}${time}`;
      return width(line) > room ? `${line.slice(0, room + line.length - width(line) - 1)}…` : line;
    });
    this.#clear();
    if (lines.length > 0) this.streams.err.write(`${lines.join('\n')}\n`);
    this.#shown = lines.length;
  }
}
