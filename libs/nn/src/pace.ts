/**
 * Keeps work on the side to a share of the time: checkpoints of a network whose epochs take milliseconds
 * would otherwise cost more than its training.
 */

export class Pace {
  readonly #share: number;
  readonly #now: () => number;
  readonly #start: number;
  #spent = 0;

  /**
   * @param share of the time since now that the work may take, 0 to 1; the first piece is always due
   * @param now a clock in milliseconds
   */
  constructor(share: number, now: () => number = () => performance.now()) {
    this.#share = share;
    this.#now = now;
    this.#start = now();
  }

  /** Does the work if it is due. */
  async run(work: () => void | Promise<void> | undefined): Promise<void> {
    const begun = this.#now();
    if (this.#spent > this.#share * (begun - this.#start)) return;
    await work();
    this.#spent += this.#now() - begun;
  }
}
