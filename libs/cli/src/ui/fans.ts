/** Counts of stages that fan out, so that hundreds of instances are one line in the terminal. */
import { formatCount } from '@prosodia/core';
import type { RunEvent } from '@prosodia/runner';

/** All instances of one stage. */
export interface Fan {
  readonly stage: string;
  total: number;
  computed: number;
  cached: number;
  /** Failed, cancelled or skipped. */
  stopped: number;
  running: number;
  /** More of them may come. */
  open: boolean;
  /** Time spent in instances, which may have run side by side. */
  seconds: number;
  bytes: number;
  /** Of `performance.now()`; when the first began to run. */
  began: number | undefined;
}

export class Fans {
  readonly #fans = new Map<string, Fan>();

  /** The fan an instance belongs to; undefined for a stage that runs once. */
  of(instance: string): Fan | undefined {
    return instance.includes('[') ? this.#fans.get(stageOf(instance)) : undefined;
  }

  /** Takes in what events tell; call it before anything is shown. */
  note(event: RunEvent): void {
    if (event.event === 'plan' || event.event === 'grown') {
      for (const instance of event.stages) if (instance.includes('[')) this.#get(stageOf(instance)).total++;
      const open = new Set(event.pending.map(stageOf));
      for (const fan of this.#fans.values()) fan.open = open.has(fan.stage);
      return;
    }
    const fan = 'stage' in event ? this.of(event.stage) : undefined;
    if (!fan) return;
    if (event.event === 'start') {
      fan.running++;
      fan.began ??= performance.now();
    } else if (event.event === 'stage') {
      if (event.status === 'computed') fan.computed++;
      else if (event.status === 'cached') fan.cached++;
      else fan.stopped++;
      if (event.status !== 'cached') fan.running = Math.max(0, fan.running - 1);
      fan.seconds += event.seconds;
      fan.bytes += event.bytes;
    }
  }

  get running(): Fan[] {
    return [...this.#fans.values()].filter(({ running }) => running > 0);
  }

  #get(stage: string): Fan {
    let fan = this.#fans.get(stage);
    if (!fan) {
      const counts = { total: 0, computed: 0, cached: 0, stopped: 0, running: 0, seconds: 0, bytes: 0 };
      this.#fans.set(stage, (fan = { stage, ...counts, open: false, began: undefined }));
    }
    return fan;
  }
}

/** `7/15`; `7/15+` while there may be more. */
export function countOf({ computed, cached, stopped, total, open }: Fan): string {
  return `${formatCount(computed + cached + stopped)}/${formatCount(total)}${open ? '+' : ''}`;
}

export function isDone({ computed, cached, stopped, total, open }: Fan): boolean {
  return !open && computed + cached + stopped >= total;
}

/** `network` for `network[fold=2]`. */
export function stageOf(instance: string): string {
  return instance.split('[', 1)[0]!;
}
