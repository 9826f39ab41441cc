import { expect, it } from 'vitest';
import { Pace } from './pace.ts';

it('does the first piece at once, and later ones when they fit into the share', async () => {
  let time = 0;
  const pace = new Pace(0.02, () => time);
  const done: number[] = [];
  for (let epoch = 1; epoch <= 200; epoch++) {
    time += 10;
    await pace.run(() => {
      done.push(epoch);
      time += 10;
    });
  }
  // 10 ms of work for every 500 ms.
  expect(done).toEqual([1, 49, 98, 147, 196]);
});

it('does every piece if it may take all of the time', async () => {
  let time = 0;
  const pace = new Pace(1, () => time);
  let done = 0;
  for (let epoch = 0; epoch < 5; epoch++) await pace.run(() => void (done++, (time += 100)));
  expect(done).toBe(5);
});
