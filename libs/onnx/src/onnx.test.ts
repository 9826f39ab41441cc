import { describe, expect, it } from 'vitest';
import {
  ATTRIBUTE,
  ATTRIBUTE_TYPE,
  DIMENSION,
  GRAPH,
  MODEL,
  PAIR,
  SHAPE,
  TENSOR,
  TENSOR_TYPE,
  TYPE,
} from './fields.ts';
import { VALUE_INFO } from './fields.ts';
import { attributeMessage, graphMessage, modelBytes, nodeMessage, tensorMessage } from './messages.ts';
import { MessageReader, fieldsOf, textOf } from './reader.ts';
import { Message } from './writer.ts';

describe('Message and MessageReader', () => {
  it('carry whole numbers up to 2^53, text, float32 and messages', () => {
    const numbers = [0, 1, 127, 128, 300, 2 ** 32, Number.MAX_SAFE_INTEGER];
    const message = new Message().integers(1, numbers);
    for (const number of numbers) message.integer(2, number);
    message.floats(3, [0.5, -1e-40, 3e38]).float(4, 0.25).message(20, new Message().string(1, 'ärger'));
    const reader = new MessageReader(message.finish());
    expect(reader.integers(1)).toEqual(numbers);
    expect(reader.integers(2)).toEqual(numbers);
    expect(reader.floats(3)).toEqual(Float32Array.of(0.5, -1e-40, 3e38));
    expect(reader.floats(4)).toEqual(Float32Array.of(0.25));
    expect(reader.message(20)!.string(1)).toBe('ärger');
    expect(reader.integer(9)).toBeUndefined();
    expect(reader.message(9)).toBeUndefined();
  });

  it("writes negative numbers in two's complement of 64 bits, as the wire format wants", () => {
    const bytes = new Message().integer(1, -2).finish();
    expect([...bytes]).toEqual([8, 0xfe, ...new Array<number>(8).fill(0xff), 1]);
    expect(new Message().integers(1, [-2]).finish().subarray(2)).toEqual(bytes.subarray(1));
  });

  it('refuses bytes that are cut off or no message', () => {
    const bytes = new Message().string(1, 'a text').finish();
    expect(() => new MessageReader(bytes.subarray(0, 5))).toThrow(/no protobuf message[^]*within a field/);
    expect(() => new MessageReader(Uint8Array.of(8))).toThrow(/within a number/);
    expect(() => new MessageReader(new Uint8Array(11).fill(0xff))).toThrow(/too long/);
    expect(() => [...fieldsOf(Uint8Array.of(0x0b))]).toThrow(/wire type 3/);
  });
});

describe('fieldsOf', () => {
  it('gives every field in order, and as it was', () => {
    const message = new Message().integer(1, 300).string(2, 'x').float(3, 1).integer(1, 7).finish();
    const fields = [...fieldsOf(message)];
    expect(fields.map(({ number, integer, bytes }) => [number, integer, textOf(bytes)])).toEqual([
      [1, 300, ''],
      [2, 0, 'x'],
      [3, 0, ''],
      [1, 7, ''],
    ]);
    expect(fields.flatMap(({ whole }) => [...whole])).toEqual([...message]);
  });
});

describe('messages of a model', () => {
  it('write each kind of attribute with its type', () => {
    for (const [value, type] of [
      [{ float: 0.5 }, 'float'],
      [{ integer: -1 }, 'integer'],
      [{ string: 'same' }, 'string'],
      [{ graph: new Message() }, 'graph'],
      [{ floats: [1, 2] }, 'floats'],
      [{ integers: [3] }, 'integers'],
      [{ strings: ['a', 'b', 'a'] }, 'strings'],
    ] as const) {
      const reader = new MessageReader(attributeMessage('name', value).finish());
      expect(reader.string(ATTRIBUTE.name)).toBe('name');
      expect(reader.integer(ATTRIBUTE.type)).toBe(ATTRIBUTE_TYPE[type]);
    }
    const strings = attributeMessage('name', { strings: ['a', 'b', 'a'] });
    expect(new MessageReader(strings.finish()).strings(ATTRIBUTE.strings)).toEqual(['a', 'b', 'a']);
  });

  it('keep names, shapes, text and numbers where a reader of ONNX looks for them', () => {
    const graph = graphMessage({
      name: 'g',
      nodes: [nodeMessage({ op: 'Add', inputs: ['x', 'one'], outputs: ['y'] })],
      initializers: [
        tensorMessage('one', 'float32', [1], Float32Array.of(1)),
        tensorMessage('words', 'string', [1], ['w']),
      ],
      inputs: [{ name: 'x', element: 'float32', shape: ['rows', 3, undefined] }],
      outputs: [{ name: 'y', element: 'float32', shape: ['rows', 3, undefined] }],
    });
    const model = new MessageReader(modelBytes(graph, { '': 18 }, { key: 'value' }));
    expect(model.message(MODEL.metadata)!.string(PAIR.key)).toBe('key');
    const read = model.message(MODEL.graph)!;
    const [one, words] = read.messages(GRAPH.initializer);
    expect(one!.floats(TENSOR.raw)).toEqual(Float32Array.of(1));
    expect(words!.strings(TENSOR.strings)).toEqual(['w']);
    const type = read.message(GRAPH.input)!.message(VALUE_INFO.type)!.message(TYPE.tensor)!;
    const dimensions = type.message(TENSOR_TYPE.shape)!.messages(SHAPE.dimension);
    expect(dimensions.map((d) => d.string(DIMENSION.name) ?? d.integer(DIMENSION.size))).toEqual([
      'rows',
      3,
      undefined,
    ]);
  });
});
