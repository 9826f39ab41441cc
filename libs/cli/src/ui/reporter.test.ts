import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunEvent } from '@prosodia/runner';
import { type Streams, reporterFor } from './reporter.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
  vi.stubEnv('TERM', 'xterm');
  vi.stubEnv('NO_COLOR', '');
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllEnvs();
});

/** Streams that keep what is written to them. */
function fakeStreams(isTTY: boolean): { streams: Streams; out(): string; err(): string } {
  const [out, err] = [new PassThrough(), new PassThrough()];
  const streams = { out: Object.assign(out, { isTTY }), err: Object.assign(err, { isTTY, columns: 80 }) };
  const taken = { out: '', err: '' };
  const read = (name: 'out' | 'err', stream: PassThrough) => {
    taken[name] += (stream.read() as Buffer | null)?.toString() ?? '';
    return taken[name];
  };
  return { streams, out: () => read('out', out), err: () => read('err', err) };
}

const EVENTS: RunEvent[] = [
  { event: 'plan', pipeline: 'toy', title: 'Words', stages: ['word', 'features', 'model'], pending: [] },
  { event: 'prepare', stage: 'word', message: '1,440 recordings' },
  { event: 'stage', stage: 'word', status: 'cached', seconds: 0.01, reason: 'unchanged', bytes: 5 },
  { event: 'start', stage: 'features', uses: 'featurize', reason: 'n_mels: 64 -> 128', threads: 2 },
  { event: 'wait', stage: 'features', owner: 'process 7 on host' },
  { event: 'progress', stage: 'features', done: 50, total: 100, unit: 'rows' },
  { event: 'notice', stage: 'features', message: 'two clips are silent' },
  { event: 'output', stage: 'features', text: 'a native library speaks' },
  {
    event: 'stage',
    stage: 'features',
    status: 'computed',
    seconds: 12.3,
    reason: 'n_mels: 64 -> 128',
    bytes: 5_000_000,
  },
  { event: 'stage', stage: 'model', status: 'failed', seconds: 1, reason: 'never run before', bytes: 0, message: 'no' },
  { event: 'summary', stage: 'features', text: 'accuracy 0.5' },
  { event: 'run', ok: false, computed: 1, cached: 1, seconds: 13.5, run: '/runs/1', stopped: 'model' },
];

const ESCAPE = '\x1b';
const COLOUR = new RegExp(`${ESCAPE}\\[\\d+m`, 'g');
const CURSOR_ON = `${ESCAPE}[?25h`;
/** Control sequences, line ends, and the text between them. */
const TOKENS = new RegExp(`${ESCAPE}\\[\\??\\d*[A-Za-z]|\n|[^${ESCAPE}\n]+`, 'g');

/** What a terminal of 80 columns shows in the end. */
function screen(written: string): string[] {
  const lines = [''];
  for (const [token] of written.matchAll(TOKENS)) {
    if (token === '\n') lines.push('');
    else if (!token.startsWith(ESCAPE)) lines[lines.length - 1] += token;
    else if (token.endsWith('A')) lines.splice(lines.length - 1 - Number(/\d+/.exec(token)![0]), Infinity, '');
  }
  return lines;
}

const TEXT = `toy  Words
  data      word      1,440 recordings
  cached    word
  waiting   features  for the same work in process 7 on host
  notice    features  two clips are silent
  output    features  a native library speaks
  computed  features       12 s  4.8 MiB
  failed    model         1.0 s
failed  1 computed, 1 cached, 14 s
`.split('\n');

describe('the plain reporter', () => {
  it('writes one line per event to stderr, without colour, and summaries to stdout', () => {
    const { streams, out, err } = fakeStreams(false);
    const reporter = reporterFor(streams, false);
    for (const event of EVENTS) reporter.onEvent(event);
    reporter.close();
    const lines = TEXT.toSpliced(3, 0, '  run       features  n_mels: 64 -> 128');
    expect(err().split('\n')).toEqual(lines);
    expect(out()).toBe('\naccuracy 0.5\n');
  });

  it('shows progress now and then, not at every event', () => {
    const { streams, err } = fakeStreams(false);
    const reporter = reporterFor(streams, false);
    reporter.onEvent(EVENTS[3]!);
    for (let second = 1; second <= 25; second++) {
      vi.advanceTimersByTime(1000);
      for (let i = 0; i < 10; i++) {
        reporter.onEvent({ event: 'progress', stage: 'features', done: second, total: 100, unit: 'rows' });
      }
    }
    expect(err().match(/\.\.\. .*$/gm)).toEqual([
      expect.stringContaining('features  10/100 rows'),
      expect.stringContaining('features  20/100 rows'),
    ]);
  });
});

describe('the live reporter', () => {
  it('leaves one line per stage behind, with the reason it ran, and the cursor on', () => {
    const { streams, out, err } = fakeStreams(true);
    vi.stubEnv('NO_COLOR', '1');
    const reporter = reporterFor(streams, false);
    for (const event of EVENTS) {
      reporter.onEvent(event);
      vi.advanceTimersByTime(150);
    }
    reporter.close();
    reporter.close();
    const written = err();
    const lines = TEXT.map((line) => (line.startsWith('  computed') ? `${line}  n_mels: 64 -> 128` : line));
    expect(screen(written)).toEqual(lines);
    expect(written.startsWith('\x1b[?25l')).toBe(true);
    expect(written.split(CURSOR_ON)).toHaveLength(2);
    expect(out()).toBe('\naccuracy 0.5\n');
  });

  it('redraws a line per running stage, never wider than the terminal', () => {
    const { streams, err } = fakeStreams(true);
    const reporter = reporterFor(streams, false);
    reporter.onEvent({ event: 'plan', pipeline: 'x', title: '', stages: ['s'.repeat(70), 'b'], pending: [] });
    for (const stage of ['s'.repeat(70), 'b']) {
      reporter.onEvent({ event: 'start', stage, uses: 'u', reason: '', threads: 1 });
      reporter.onEvent({ event: 'progress', stage, done: 1, total: 2, unit: 'rows' });
    }
    vi.advanceTimersByTime(1000);
    const lines = screen(err().replace(COLOUR, ''));
    expect(lines).toHaveLength(4);
    expect(lines[1]).toMatch(/^ {2}running {3}s+…$/);
    expect(lines[2]).toMatch(/^ {2}running {3}b {2}\[=+> +\] {2}1\/2 rows/);
    for (const line of lines) expect(line.length).toBeLessThan(80);
    reporter.close();
    expect(screen(err().replace(COLOUR, '')).join('')).toBe('x');
  });

  it('says what is no event between the lines', () => {
    const { streams, err } = fakeStreams(true);
    const reporter = reporterFor(streams, false);
    reporter.onEvent(EVENTS[3]!);
    reporter.say('Stopping.');
    reporter.close();
    expect(screen(err())).toEqual(['Stopping.', '']);
  });

  it('is not for dumb terminals', () => {
    vi.stubEnv('TERM', 'dumb');
    const { streams, err } = fakeStreams(true);
    const reporter = reporterFor(streams, false);
    for (const event of EVENTS) reporter.onEvent(event);
    expect(err()).not.toContain('\x1b');
  });
});

describe('the JSON reporter', () => {
  it('writes every event as a line to stdout, and nothing else there', () => {
    const { streams, out, err } = fakeStreams(true);
    const reporter = reporterFor(streams, true);
    for (const event of EVENTS) reporter.onEvent(event);
    reporter.say('Stopping.');
    reporter.close();
    const lines = out().trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as RunEvent)).toEqual(EVENTS);
    expect(err()).toBe('Stopping.\n');
  });
});
