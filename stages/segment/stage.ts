/** Cuts audio into overlapping segments of equal length, or each item into equally many parts. */
import { DataError, RequestError, Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { onnx } from '@prosodia/dsp';
import { AudioTable, OnErrorSchema, SkippedItems } from '@prosodia/tables';

export default defineStage({
  name: 'segment',
  summary: 'Cuts each item into overlapping segments of equal length, or into equally many parts.',
  details:
    'Segments begin every `length_s * (1 - overlap)` seconds. What is left at the end, and an item shorter than ' +
    'one segment, is padded with zeros, kept at its own length, or dropped, as `tail` says. With `parts`, each item is ' +
    'cut into that many parts of the same length but for rounding: its beginning, middle and end, however long it is.',
  params: Type.Object({
    length_s: Type.Number({ default: 2, exclusiveMinimum: 0, description: 'Length of a segment in seconds.' }),
    overlap: Type.Number({
      default: 0.5,
      minimum: 0,
      exclusiveMaximum: 1,
      description: 'Share of a segment that the next one repeats.',
    }),
    tail: Type.Union([Type.Literal('pad'), Type.Literal('keep'), Type.Literal('drop')], {
      default: 'pad',
      description:
        'What becomes of an end shorter than a segment; an item of which nothing would be left keeps it padded.',
    }),
    parts: Type.Integer({
      default: 0,
      minimum: 0,
      maximum: 1000,
      description:
        'If above 0, each item is cut into so many equal parts; length_s, overlap and tail do not count then.',
    }),
    on_error: OnErrorSchema,
  }),
  inputs: { audio: AudioTable },
  outputs: { audio: AudioTable },

  async run({ params, inputs, outputs, signal, progress, notice, metrics, leftOut }) {
    const total = await inputs.audio.count();
    const skipped = new SkippedItems();
    let done = 0;
    let heard = 0;
    for await (const item of inputs.audio.rows()) {
      throwIfCancelled(signal);
      const { samples, sample_rate, item_id } = item;
      const fault = faultOf(samples, params.parts);
      if (fault && params.on_error === 'fail') throw new DataError({ ...fault, where: `item ${item_id}` });
      if (fault) {
        skipped.add(item_id, `${fault.problem} (got ${fault.got})`);
        done++;
        continue;
      }
      const bounds =
        params.parts > 0
          ? partBounds(samples.length, params.parts)
          : segmentBounds(samples.length, sample_rate, params);
      for (const [index, { start, end }] of bounds.entries()) {
        await outputs.audio.append({
          ...item,
          item_id: `${item_id}@${index}`,
          parent_item_id: item_id,
          start_s: start / sample_rate,
          end_s: Math.min(end, samples.length) / sample_rate,
          samples: cut(samples, start, end),
        });
      }
      heard += samples.length / sample_rate;
      progress(++done, total, `items, ${Math.round(heard)} s of audio`);
    }
    skipped.report({ notice, metrics, leftOut }, done - skipped.count);
  },

  hears({ params, rate, items }) {
    if (rate === undefined) return { rate, items };
    const pieces = items.flatMap(({ start_s, end_s }) => {
      const length = Math.round((end_s - start_s) * rate);
      const bounds = params.parts > 0 ? partBounds(length, params.parts) : segmentBounds(length, rate, params);
      return bounds.map(({ start, end }) => ({
        start_s: start_s + start / rate,
        end_s: start_s + Math.min(end, length) / rate,
      }));
    });
    return { rate, items: pieces };
  },

  async compose({ params: { length_s, overlap, tail, parts }, audio }) {
    const given = audio('audio');
    const refuse = (problem: string, got: string): never => {
      throw new RequestError({ problem, expected: 'segments of one length: tail: pad or drop, and parts: 0', got });
    };
    if (parts > 0) refuse('segment cuts each recording into parts whose lengths differ by a sample', `parts: ${parts}`);
    if (tail === 'keep') refuse('segment keeps a last segment that is shorter than the others', 'tail: keep');
    if (given.parts) refuse('segment would cut what is a segment already', 'a segment stage before');
    const size = Math.max(1, Math.round(length_s * given.rate));
    const hop = Math.max(1, Math.round(size * (1 - overlap)));
    const { samples, count } = onnx.segments(given.samples, size, hop, tail === 'pad');
    return { audio: { ...given, samples, parts: count } };
  },
});

function faultOf(samples: Float32Array, parts: number): { problem: string; got: string } | undefined {
  if (samples.length === 0) return { problem: 'there is no audio to cut', got: '0 samples' };
  if (samples.length < parts) return { problem: `too short to be cut into ${parts}`, got: `${samples.length} samples` };
  const bad = samples.findIndex((sample) => !Number.isFinite(sample));
  return bad < 0
    ? undefined
    : { problem: 'a sample is not a finite number', got: `${samples[bad]} at position ${bad}` };
}

/**
 * Where segments begin and end, in samples; an end beyond `length` is to be padded.
 * @param length samples in the item, at least 1
 */
export function segmentBounds(
  length: number,
  rate: number,
  { length_s, overlap, tail }: { length_s: number; overlap: number; tail: 'pad' | 'keep' | 'drop' },
): { start: number; end: number }[] {
  const size = Math.max(1, Math.round(length_s * rate));
  const hop = Math.max(1, Math.round(size * (1 - overlap)));
  const bounds: { start: number; end: number }[] = [];
  let start = 0;
  for (; start + size <= length; start += hop) bounds.push({ start, end: start + size });
  const covered = bounds.at(-1)?.end ?? 0;
  if (covered < length && (tail !== 'drop' || bounds.length === 0)) {
    bounds.push({ start, end: tail === 'keep' ? length : start + size });
  }
  return bounds;
}

/** Where equal parts begin and end, in samples: no gap, no overlap, lengths that differ by one sample at most. */
export function partBounds(length: number, parts: number): { start: number; end: number }[] {
  const edge = (part: number) => Math.floor((part * length) / parts);
  return Array.from({ length: parts }, (_, part) => ({ start: edge(part), end: edge(part + 1) }));
}

function cut(samples: Float32Array, start: number, end: number): Float32Array {
  const segment = new Float32Array(end - start);
  segment.set(samples.subarray(start, Math.min(end, samples.length)));
  return segment;
}
