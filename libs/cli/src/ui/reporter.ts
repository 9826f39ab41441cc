/**
 * Shows a run: live lines in a terminal, one line per event elsewhere, JSON lines on request.
 *
 * Everything about progress goes to stderr, except with `--json`; results go to stdout.
 */
import type { RunEvent } from '@prosodia/runner';
import { type Fan, Fans, countOf, isDone, stageOf } from './fans.ts';
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

/** @param verbose a line for every instance of a stage that fans out, instead of one for all */
export function reporterFor(streams: Streams, json: boolean, verbose = false): Reporter {
  if (json) {
    return {
      onEvent: (event) => streams.out.write(`${JSON.stringify(event)}\n`),
      say: (text) => streams.err.write(`${text}\n`),
      close: () => undefined,
    };
  }
  return streams.err.isTTY && process.env['TERM'] !== 'dumb'
    ? new LiveReporter(streams, verbose)
    : new PlainReporter(streams, verbose);
}

/** What both textual reporters say; they differ in how running stages are shown. */
abstract class TextReporter implements Reporter {
  protected readonly streams: Streams;
  protected readonly style: Style;
  protected readonly running = new Map<string, Progress>();
  protected readonly fans = new Fans();
  protected readonly verbose: boolean;
  /** What instances of a stage said; each of them saying it again tells nothing new. */
  readonly #said = new Set<string>();
  #width = 8;

  constructor(streams: Streams, verbose: boolean) {
    this.streams = streams;
    this.style = styleFor(streams.err);
    this.verbose = verbose;
  }

  onEvent(event: RunEvent): void {
    this.fans.note(event);
    const fan = this.verbose || !('stage' in event) ? undefined : this.fans.of(event.stage);
    if (fan && this.#toldByFan(fan, event)) return;
    this.#tell(event);
  }

  /** Shows an event of one of many instances as part of them all; false if it deserves a line of its own. */
  #toldByFan(fan: Fan, event: RunEvent): boolean {
    const { dim, green } = this.style;
    switch (event.event) {
      case 'start':
      case 'progress':
        this.fanProgressed(fan);
        return true;
      case 'notice':
      case 'output': {
        const text = `${fan.stage}\0${event.event === 'notice' ? event.message : event.text}`;
        const before = this.#said.has(text);
        this.#said.add(text);
        return before;
      }
      case 'summary':
        return true;
      case 'stage': {
        if (event.status === 'failed') return false;
        if (event.status !== 'computed' && event.status !== 'cached') return true;
        this.fanProgressed(fan);
        if (!isDone(fan) || fan.stopped > 0) return true;
        const name = this.#name(fan.stage);
        const count = countOf(fan);
        if (fan.computed === 0) this.print(`  ${dim('cached')}    ${dim(`${name}  ${count}`)}`);
        else {
          const time = formatSeconds((performance.now() - fan.began!) / 1000).padStart(9);
          const cached = fan.cached > 0 ? `  ${dim(`${fan.cached} cached`)}` : '';
          this.print(`  ${green('computed')}  ${name}  ${time}  ${formatBytes(fan.bytes)}  ${count}${cached}`);
        }
        return true;
      }
      default:
        return false;
    }
  }

  #tell(event: RunEvent): void {
    const { bold, dim, green, red, yellow, cyan } = this.style;
    switch (event.event) {
      case 'plan':
      case 'grown':
        for (const name of event.stages) {
          this.#width = Math.max(this.#width, (this.verbose ? name : stageOf(name)).length);
        }
        if (event.event === 'plan') {
          // A pipeline without a title has its name for one.
          const title = event.title === event.pipeline ? '' : `  ${event.title}`;
          this.print(`${bold(event.pipeline)}${title}`);
        }
        break;
      case 'choice': {
        const score = `${event.metric} ${Number(event.value.toPrecision(4))}, of ${event.trials}`;
        this.print(`  ${cyan('chosen')}    ${this.#name(event.choice)}  ${event.winner}  ${dim(score)}`);
        break;
      }
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
      case 'remote':
        this.print(`  ${yellow('cache')}     ${event.message}`);
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
  /** Some instances of many began, went on or ended. */
  protected abstract fanProgressed(fan: Fan): void;
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

  protected fanProgressed(fan: Fan): void {
    if (isDone(fan) || fan.began === undefined) return;
    const seconds = (performance.now() - fan.began) / 1000;
    if (seconds - (this.#lastShown.get(fan.stage) ?? 0) < PLAIN_INTERVAL_S) return;
    this.#lastShown.set(fan.stage, seconds);
    this.print(`  ...       ${fan.stage}  ${countOf(fan)}`);
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

  constructor(streams: Streams, verbose: boolean) {
    super(streams, verbose);
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

  protected fanProgressed(): void {}

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
    const one = [...this.running].map(([stage, progress]) => {
      const time = progress.reported ? `  ${formatSeconds(progress.seconds)}` : '';
      return `  ${this.style.cyan('running')}   ${stage}  ${progress.describe(true)}${time}`;
    });
    const many = this.fans.running.map((fan) => {
      const time = formatSeconds((performance.now() - fan.began!) / 1000);
      return `  ${this.style.cyan('running')}   ${fan.stage} ${countOf(fan)}  ${fan.running} at once  ${time}`;
    });
    const lines = [...one, ...(this.verbose ? [] : many)].map((line) =>
      width(line) > room ? `${line.slice(0, room + line.length - width(line) - 1)}…` : line,
    );
    this.#clear();
    if (lines.length > 0) this.streams.err.write(`${lines.join('\n')}\n`);
    this.#shown = lines.length;
  }
}
