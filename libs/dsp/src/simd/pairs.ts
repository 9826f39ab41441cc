/**
 * Power spectra in double precision, two frames at once, in place; rounded to float32 and left in columns where they stay
 * for the features (resident.ts), or as the rows of a matrix where they are too many for that.
 */
import type { Matrix } from '../matrix.ts';
import { layFrames, type Framing } from './frames.ts';
import { VALUE } from './in-place.ts';
import { inPlacePlan, type InPlacePlan } from './in-place-plan.ts';
import { canStay, columnsBytes, stay } from './resident.ts';
import { scratch, type Scratch } from './runtime.ts';

/** Frames whose samples are laid out at a time, a multiple of four: bounds the scratch memory. */
const CHUNK = 64;

/** The power spectrum of every frame, or null where the kernels do not take its length. */
export function pairSpectrogram(framing: Framing): Matrix | null {
  const { n_fft, rows, cols } = framing;
  const plan = inPlacePlan(n_fft);
  if (!plan) return null;
  if (canStay(rows, cols)) {
    return stay(rows, cols, (memory, at) => {
      eachPairs(plan, framing, memory, (first) => at + columnsBytes(first, cols));
    });
  }
  const memory = scratch();
  const columnsAt = memory.alloc(columnsBytes(CHUNK, cols));
  const rowsAt = memory.alloc(CHUNK * cols * 4);
  const data = new Float32Array(rows * cols);
  eachPairs(
    plan,
    framing,
    memory,
    () => columnsAt,
    (first, count) => {
      memory.kernels.rowsOfColumns(columnsAt, columnsBytes(count, cols), cols * 16, rowsAt);
      data.set(memory.f32(rowsAt, count * cols), first * cols);
    },
  );
  return { data, rows, cols };
}

/**
 * @param place where the columns of a chunk go, which begins with this frame
 * @param done what happens to them then
 */
function eachPairs(
  plan: InPlacePlan,
  framing: Framing,
  memory: Scratch,
  place: (first: number) => number,
  done?: (first: number, count: number) => void,
): void {
  const { window, n_fft, hop_length, rows, cols } = framing;
  const { kernels } = memory;
  const hop = hop_length * 4;
  const valuesBytes = (n_fft / 2) * VALUE;
  const windowAt = memory.put(window);
  const twiddlesAt = memory.put(plan.twiddles);
  const orderAt = memory.put(plan.tiles);
  const rootsAt = memory.put(plan.tileRoots);
  const valuesAt = memory.alloc(valuesBytes);
  const chunk = Math.min(CHUNK, Math.ceil(rows / 4) * 4);
  const samplesLength = (chunk - 1) * hop_length + n_fft;
  const samplesAt = memory.alloc(samplesLength * 4);
  const begin = kernels[`pairFirst${plan.length}`];
  const rest = kernels[`pairRest${plan.leaf}`];
  for (let first = 0; first < rows; first += chunk) {
    const count = Math.min(chunk, rows - first);
    // A last four with fewer frames is filled up with what little is left of the signal, and silence.
    layFrames(memory.f32(samplesAt, samplesLength), framing, first, count);
    const to = place(first);
    for (let row = 0; row < Math.ceil(count / 4) * 4; row += 2) {
      begin(samplesAt + row * hop, hop, windowAt, valuesAt, twiddlesAt);
      rest(valuesAt, valuesBytes, valuesBytes / 4, twiddlesAt + plan.firstTwiddles * 8);
      const at = to + (row >> 2) * cols * 16 + (row & 2) * 4;
      kernels.pairPowers(valuesAt, orderAt, plan.tiles.byteLength, rootsAt, at, (cols - 1) * 16);
    }
    done?.(first, count);
  }
}
