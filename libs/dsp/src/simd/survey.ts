/** What is asked of every input before work begins: whether all of it is finite, and how large it gets. */
import { scratch } from './runtime.ts';

/** Values that are looked at in one go; bounds the scratch memory. */
const CHUNK = 1 << 14;

/** Whether all values are finite, and the largest of them, or 0 if that is less. */
export function survey(values: Float32Array): { finite: boolean; largest: number } {
  const memory = scratch();
  const at = memory.alloc(4 * Math.min(CHUNK, values.length));
  const out = memory.alloc(8);
  let largest = 0;
  for (let first = 0; first < values.length; first += CHUNK) {
    const part = values.subarray(first, first + CHUNK);
    // The kernel takes sixteen at a time; what alloc leaves free behind is there for that.
    const room = memory.f32(at, Math.ceil(part.length / 16) * 16);
    room.set(part);
    room.fill(0, part.length);
    memory.kernels.survey(at, at + 4 * part.length, out);
    const [flaw, most] = memory.f32(out, 2);
    if (flaw !== 0) return { finite: false, largest: NaN };
    largest = Math.max(largest, most!);
  }
  return { finite: true, largest };
}
