import { Worker } from 'node:worker_threads';
import { DataError } from '@prosodia/core';
import { describe, expect, it, vi } from 'vitest';
import { decodeAudio, probeAudio } from './decode.ts';
import { golden } from './testing.ts';

interface Case {
  name: string;
  file: string;
}

const cases = golden<Case[]>('decode').filter(({ name }) => name.startsWith('FLAC'));
const fileOf = ({ file }: Case) => Uint8Array.from(Buffer.from(file, 'base64'));
/** The one of several frames. */
const long = fileOf(cases.reduce((a, b) => (a.file.length > b.file.length ? a : b)));
/** STREAMINFO follows the magic and a block header of 4 bytes each. */
const MD5_AT = 8 + 18;

const changed = (offset: number, change: (byte: number) => number): Uint8Array => {
  const copy = long.slice();
  copy[offset] = change(copy[offset]!) & 0xff;
  return copy;
};

describe('a damaged FLAC file is refused, never decoded short', () => {
  it('at whatever byte it is cut off', async () => {
    for (let length = 4; length < long.length; length += 97) {
      await expect(decodeAudio(long.subarray(0, length)), `${length} bytes`).rejects.toThrow(DataError);
    }
    await expect(decodeAudio(long.subarray(0, -1))).rejects.toThrow(/damaged, cut off/);
  });

  it('wherever in its frames a bit is flipped', async () => {
    const audioStart = long.length - 2000;
    for (let offset = audioStart; offset < long.length; offset += 61) {
      await expect(decodeAudio(changed(offset, (byte) => byte ^ 0x10)), `byte ${offset}`).rejects.toThrow(DataError);
    }
  });

  it('with a total of samples that is not what the frames hold', async () => {
    await expect(decodeAudio(changed(8 + 17, (byte) => byte + 1))).rejects.toThrow(/does not hold the samples it says/);
  });

  it('with another MD5', async () => {
    await expect(decodeAudio(changed(MD5_AT, (byte) => byte + 1))).rejects.toThrow(/MD5/);
  });

  it('with bytes after its last frame that are no tag', async () => {
    const padded = new Uint8Array(long.length + 128);
    padded.set(long);
    await expect(decodeAudio(padded)).rejects.toThrow(DataError);
    padded.set(Buffer.from('TAG'), long.length);
    expect((await decodeAudio(padded)).frames).toBe(9000);
  });

  it('and leaves the decoder fit for the next file', async () => {
    const report = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const oneMore = new Uint8Array(long.length + 1);
    oneMore.set(long);
    await decodeAudio(oneMore).catch(() => undefined);
    expect((await decodeAudio(long)).frames).toBe(9000);
    report.mockRestore();
  });
});

describe('FLAC', () => {
  it('is read if the encoder left length and MD5 open', async () => {
    const streamed = long.slice();
    streamed.fill(0, 8 + 14, 8 + 34);
    streamed[8 + 13]! &= 0xf0;
    expect(probeAudio(streamed).frames).toBe(9000);
    expect((await decodeAudio(streamed)).samples).toEqual((await decodeAudio(long)).samples);
  });

  it('is decoded one file beside another without mixing them', async () => {
    const alone = await Promise.all(cases.map(async (file) => decodeAudio(fileOf(file))));
    const together = await Promise.all([...cases, ...cases].map(async (file) => decodeAudio(fileOf(file))));
    expect(together).toEqual([...alone, ...alone]);
  });

  it('is read the same in a worker thread', async () => {
    const source = `
      const { parentPort, workerData } = require('node:worker_threads');
      import('tsx/esm/api')
        .then(({ register }) => register())
        .then(() => import(workerData.module))
        .then(({ decodeAudio }) => decodeAudio(workerData.file))
        .then(({ samples }) => parentPort.postMessage(samples));`;
    const module = new URL('./decode.ts', import.meta.url).href;
    const worker = new Worker(source, { eval: true, workerData: { module, file: long } });
    const samples = await new Promise((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    await worker.terminate();
    expect(samples).toEqual((await decodeAudio(long)).samples);
  });
});
