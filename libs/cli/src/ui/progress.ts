/** Rate and time left of a running stage. */
import { formatCount } from '@prosodia/core';
import { formatSeconds } from './style.ts';

export class Progress {
  readonly started = performance.now();
  #done = 0;
  #total: number | null = null;
  #unit = 'rows';
  /** Recent points, so that the rate follows the present. */
  readonly #points: { at: number; done: number }[] = [];

  /** @param unit what is counted; behind a comma may stand what changes with the count: `items, 341 s of audio` */
  update(done: number, total: number | null, unit: string): void {
    const counted = (text: string) => text.split(',', 1)[0];
    if (counted(unit) !== counted(this.#unit) || done < this.#done) this.#points.length = 0;
    this.#done = done;
    this.#total = total;
    this.#unit = unit;
    this.#points.push({ at: performance.now(), done });
    if (this.#points.length > 50) this.#points.shift();
  }

  /** Whether anything but the start was reported. */
  get reported(): boolean {
    return this.#points.length > 0;
  }

  get seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** `[=====>    ] 620/1,440 clips  92/s  9 s left`; only the time if nothing was reported yet. */
  describe(bar: boolean): string {
    if (this.#points.length === 0) return formatSeconds(this.seconds);
    const first = this.#points[0]!;
    const last = this.#points.at(-1)!;
    const elapsed = (last.at - first.at) / 1000;
    // One point says nothing about speed: a stage may spend half a minute before its first row.
    const rate = elapsed >= 1 ? (last.done - first.done) / elapsed : 0;
    const parts: string[] = [];
    if (this.#total !== null && this.#total > 0) {
      if (bar) parts.push(drawBar(this.#done / this.#total));
      parts.push(`${formatCount(this.#done)}/${formatCount(this.#total)} ${this.#unit}`);
    } else parts.push(`${formatCount(this.#done)} ${this.#unit}`);
    if (rate > 0) parts.push(`${rate >= 10 ? formatCount(rate) : rate.toFixed(1)}/s`);
    if (rate > 0 && this.#total !== null && this.#total > this.#done) {
      parts.push(`${formatSeconds((this.#total - this.#done) / rate)} left`);
    }
    return parts.join('  ');
  }
}

function drawBar(share: number): string {
  const filled = Math.round(Math.min(1, share) * 20);
  return `[${'='.repeat(filled)}${filled < 20 ? '>' : ''}${' '.repeat(Math.max(0, 19 - filled))}]`;
}
