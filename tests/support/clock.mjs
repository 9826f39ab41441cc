/**
 * A clock that is wrong, for a process started with `--import` of this file.
 *
 * CLOCK_SHIFTS: shifts in milliseconds, with commas between; each time the clock is asked the next one counts, and
 * after the last the first again. Only the program's own clock is wrong: times that the file system notes are right,
 * as if the clock had been set between the two.
 */
const shifts = process.env.CLOCK_SHIFTS.split(',').map(Number);
const RealDate = Date;
let asked = 0;
const now = () => RealDate.now() + shifts[asked++ % shifts.length];

globalThis.Date = class Date extends RealDate {
  constructor(...given) {
    super(...(given.length === 0 ? [now()] : given));
  }

  static now() {
    return now();
  }
};
