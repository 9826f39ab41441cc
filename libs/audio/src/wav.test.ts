import { DataError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { decodeWav, probeWav } from './wav-read.ts';
import { encodeWav } from './wav-write.ts';

const samples = Float32Array.from({ length: 10 }, (_, i) => (i - 5) / 8);

const chunk = (id: string, content: Uint8Array, declared = content.length, pad = true): Uint8Array => {
  const bytes = new Uint8Array(8 + content.length + (pad ? content.length % 2 : 0));
  bytes.set(Buffer.from(id, 'latin1'));
  new DataView(bytes.buffer).setUint32(4, declared, true);
  bytes.set(content, 8);
  return bytes;
};

const wave = (...chunks: Uint8Array[]): Uint8Array => {
  const content = Buffer.concat([Buffer.from('WAVE'), ...chunks]);
  return chunk('RIFF', content, content.length, false);
};

interface Fields {
  tag?: number;
  channels?: number;
  rate?: number;
  align?: number;
  bits?: number;
}

const fmt = ({ tag = 1, channels = 1, rate = 8000, bits = 16, align = (channels * bits) / 8 }: Fields = {}) => {
  const content = new Uint8Array(16);
  const view = new DataView(content.buffer);
  view.setUint16(0, tag, true);
  view.setUint16(2, channels, true);
  view.setUint32(4, rate, true);
  view.setUint32(8, rate * align, true);
  view.setUint16(12, align, true);
  view.setUint16(14, bits, true);
  return chunk('fmt ', content);
};

/** The samples as 16-bit PCM, without a header. */
const pcm = encodeWav(samples, 8000).subarray(44);
const list = chunk('LIST', new Uint8Array(7).fill(65));

describe('a WAV file with oddities that leave no doubt is read', () => {
  const read: [string, Uint8Array, RegExp | undefined][] = [
    ['unknown chunks everywhere', wave(list, fmt(), list, chunk('data', pcm), list), undefined],
    ['fmt after data', wave(chunk('data', pcm), fmt()), undefined],
    ['a data length of 0', wave(fmt(), chunk('data', pcm, 0)), /says 0 bytes, 20 are left/],
    ['an open data length', wave(fmt(), chunk('data', pcm, 0xffffffff)), /says 4294967295 bytes/],
    ['a data length beyond the file', wave(fmt(), chunk('data', pcm, 22)), /says 22 bytes, 20 are left/],
    ['half a frame at the end', wave(fmt(), chunk('data', Buffer.concat([pcm, Buffer.of(1)]))), /no whole frame/],
    ['a missing pad byte', wave(chunk('junk', new Uint8Array(3), 3, false), fmt(), chunk('data', pcm)), /pad byte/],
    ['bytes that are no chunk at the end', wave(fmt(), chunk('data', pcm), new Uint8Array(12)), /no chunk; ignored/],
    ['two data chunks', wave(fmt(), chunk('data', pcm), chunk('data', pcm)), /only the first/],
  ];
  it.each(read)('%s', (_name, bytes, notice) => {
    const { channelData, notices } = decodeWav(bytes);
    expect(channelData).toEqual([samples]);
    if (notice) expect(notices.join()).toMatch(notice);
    else expect(notices).toEqual([]);
    expect(probeWav(bytes).notices).toEqual(notices);
  });

  it.each([0, 0xffffffff, 40, 1000])('a RIFF length of %i', (length) => {
    const bytes = encodeWav(samples, 8000);
    new DataView(bytes.buffer).setUint32(4, length, true);
    const { channelData, notices } = decodeWav(bytes);
    expect(channelData).toEqual([samples]);
    expect(notices).toEqual([`the RIFF header says ${length + 8} bytes, the file has 64; read to the file's end`]);
  });

  it('as a view into a larger buffer at an odd offset', () => {
    const whole = new Uint8Array(65);
    whole.set(encodeWav(samples, 8000), 1);
    expect(decodeWav(whole.subarray(1)).channelData).toEqual([samples]);
  });

  it('fewer bits than the container has: they are the upper ones', () => {
    const bytes = wave(fmt({ bits: 12, align: 2 }), chunk('data', pcm));
    expect(decodeWav(bytes)).toMatchObject({ encoding: 'PCM_16', channelData: [samples] });
  });
});

describe('a WAV file that would need a guess is refused', () => {
  const data = chunk('data', pcm);
  const nan = encodeWav(Float32Array.of(0, 1), 8000, { format: 'float32' });
  nan.fill(0xff, -4);
  const refused: [string, Uint8Array, RegExp][] = [
    ['without fmt', wave(list, data), /no fmt chunk[^]*'LIST', 'data'/],
    ['without data', wave(fmt(), list), /no data chunk/],
    ['without any chunk', wave(), /no fmt chunk[^]*no chunk/],
    ['with no samples', wave(fmt(), chunk('data', new Uint8Array(0))), /holds no samples/],
    ['with an empty data chunk before others', wave(fmt(), chunk('data', new Uint8Array(0)), list), /no samples/],
    ['cut off in fmt', wave(fmt()).subarray(0, 30), /ends inside the fmt chunk/],
    ['with a short extensible fmt', wave(fmt({ tag: 0xfffe }), data), /extensible fmt/],
    ['of a block align that contradicts the bits', wave(fmt({ align: 3 }), data), /contradicts itself/],
    ['of no channel', wave(fmt({ channels: 0 }), data), /no channel/],
    ['of sample rate 0', wave(fmt({ rate: 0 }), data), /no sample rate/],
    ['in ADPCM', wave(fmt({ tag: 2, bits: 4, align: 1 }), data), /format 0x0002 with 4 bits/],
    ['with NaN', nan, /no numbers[^]*NaN at frame 1 of channel 0/],
  ];
  it.each(refused)('%s', (_name, bytes, message) => {
    expect(() => decodeWav(bytes, { where: 'a.wav' })).toThrow(DataError);
    expect(() => decodeWav(bytes, { where: 'a.wav' })).toThrow(message);
    expect(() => decodeWav(bytes, { where: 'a.wav' })).toThrow(/^a\.wav: /);
  });

  it('with a double that float32 cannot hold', () => {
    const bytes = wave(fmt({ tag: 3, bits: 64 }), chunk('data', new Uint8Array(Float64Array.of(1e300).buffer)));
    expect(() => decodeWav(bytes)).toThrow(/Infinity at frame 0/);
  });
});

describe('writing', () => {
  it.each(['pcm16', 'pcm24', 'float32'] as const)('%s comes back as it was', (format) => {
    const left = Float32Array.of(-1, -0.5, 0, 2 ** -15, 0.5);
    const right = left.toReversed();
    const { channelData, sampleRate, notices } = decodeWav(encodeWav([left, right], 44100, { format }));
    expect(channelData).toEqual([left, right]);
    expect(sampleRate).toBe(44100);
    expect(notices).toEqual([]);
  });

  it('clips to the format and rounds to the nearest step, ties to even', () => {
    const steps = [2, 1, -1, -2, 0.5 / 32768, 1.5 / 32768, 2.5 / 32768, -0.5 / 32768, -1.5 / 32768, 0.6 / 32768];
    const { channelData } = decodeWav(encodeWav(Float32Array.from(steps), 8000));
    const codes = [...channelData[0]!].map((value) => value * 32768);
    expect(codes).toEqual([32767, 32767, -32768, -32768, 0, 2, 2, 0, -2, 1]);
  });

  it('keeps float samples beyond full scale', () => {
    expect(decodeWav(encodeWav(Float32Array.of(1.5), 8000, { format: 'float32' })).channelData[0]![0]).toBe(1.5);
  });

  it('pads an odd length', () => {
    const bytes = encodeWav(Float32Array.of(0.5), 8000, { format: 'pcm24' });
    expect(bytes.length % 2).toBe(0);
    expect(decodeWav(bytes)).toMatchObject({ frames: 1, notices: [] });
  });

  it.each([
    ['a NaN', () => encodeWav(Float32Array.of(NaN), 8000)],
    ['channels of different lengths', () => encodeWav([new Float32Array(2), new Float32Array(3)], 8000)],
    ['no channel', () => encodeWav([], 8000)],
    ['a broken sample rate', () => encodeWav(samples, 0.5)],
  ])('refuses %s', (_name, write) => {
    expect(write).toThrow(DataError);
  });
});
