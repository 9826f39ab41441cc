import { describe, expect, it } from 'vitest';
import type { RunEvent } from '@prosodia/runner';
import { Fans, countOf, isDone, stageOf } from './fans.ts';

const planned = (stages: string[], pending: string[] = []): RunEvent => ({
  event: 'plan',
  pipeline: 'p',
  title: '',
  stages,
  pending,
});
const began = (stage: string): RunEvent => ({ event: 'start', stage, uses: 'x', reason: '', threads: 1 });
const ended = (stage: string, status: 'computed' | 'cached' | 'failed' | 'cancelled', bytes = 10): RunEvent => ({
  event: 'stage',
  stage,
  status,
  seconds: 2,
  reason: '',
  bytes,
});

function after(...events: RunEvent[]): Fans {
  const fans = new Fans();
  for (const event of events) fans.note(event);
  return fans;
}

describe('Fans', () => {
  it('counts the instances of a stage that fans out, and knows none for a stage that runs once', () => {
    const fans = after(planned(['clips', 'net[fold=0]', 'net[fold=1]', 'net[fold=2]']));
    expect(fans.of('clips')).toBeUndefined();
    expect(countOf(fans.of('net[fold=1]')!)).toBe('0/3');
    expect(stageOf('net[fold=1]')).toBe('net');
  });

  it('adds up what is computed, cached and stopped, and is done when nothing is left', () => {
    const fans = after(planned(['net[a]', 'net[b]', 'net[c]']), began('net[a]'), began('net[b]'));
    expect(fans.running.map(({ stage, running }) => [stage, running])).toEqual([['net', 2]]);
    for (const event of [ended('net[a]', 'computed'), ended('net[b]', 'failed', 0)]) fans.note(event);
    const fan = fans.of('net[a]')!;
    expect([countOf(fan), isDone(fan), fans.running]).toEqual(['2/3', false, []]);
    fans.note(ended('net[c]', 'cached'));
    expect(fan).toMatchObject({ computed: 1, cached: 1, stopped: 1, running: 0, seconds: 6, bytes: 20 });
    expect([countOf(fan), isDone(fan)]).toEqual(['3/3', true]);
  });

  it('shows that more may come until the plan has grown to its end', () => {
    const fans = after(planned(['net[0]'], ['net']), ended('net[0]', 'computed'));
    const fan = fans.of('net[0]')!;
    expect([countOf(fan), isDone(fan)]).toEqual(['1/1+', false]);
    fans.note({ event: 'grown', stages: ['net[1]'], pending: [] });
    expect([countOf(fan), isDone(fan)]).toEqual(['1/2', false]);
  });
});
