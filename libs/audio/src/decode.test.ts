import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DataError } from '@prosodia/core';
import { describe, expect, it } from 'vitest';
import { decodeAudio, decodeChannels, probeAudio } from './decode.ts';
import { floats, golden, sharedFolder } from './testing.ts';
import { encodeWav } from './wav-write.ts';

interface Case {
  name: string;
  encoding: string;
  rate: number;
  channels: number;
  file: string;
  samples: string;
}

const cases = golden<Case[]>('decode');
const bytesOf = ({ file }: Case) => Uint8Array.from(Buffer.from(file, 'base64'));

describe('decoding agrees with libsndfile to the bit', () => {
  it.each(cases)('$name', async (golden) => {
    const { channelData, notices, ...info } = await decodeChannels(bytesOf(golden));
    const frames = floats(golden.samples).length / golden.channels;
    expect(info).toEqual({
      container: golden.name.startsWith('FLAC') ? 'flac' : 'wav',
      encoding: golden.encoding,
      sampleRate: golden.rate,
      channels: golden.channels,
      frames,
    });
    expect(notices).toEqual([]);
    expect(channelData.flatMap((channel) => [...channel])).toEqual([...floats(golden.samples)]);
  });

  it.each(cases)('probing says the same of $name as decoding', async (golden) => {
    const { channelData: _, ...info } = await decodeChannels(bytesOf(golden));
    expect(probeAudio(bytesOf(golden))).toEqual(info);
  });
});

describe('mixing down', () => {
  it('takes the mean of the channels and says so', async () => {
    const stereo = encodeWav([Float32Array.of(0.5, 0.25), Float32Array.of(-0.5, 0.75)], 8000);
    const { samples, notices, channels } = await decodeAudio(stereo);
    expect([...samples]).toEqual([0, 0.5]);
    expect(channels).toBe(2);
    expect(notices).toEqual(['2 channels mixed down to one by their mean']);
  });

  it('says if the channels were identical', async () => {
    const channel = Float32Array.of(0.5, 0.25);
    const { samples, notices } = await decodeAudio(encodeWav([channel, channel, channel], 8000));
    expect(samples).toEqual(channel);
    expect(notices).toEqual(['3 channels mixed down to one by their mean; they were identical']);
  });
});

describe('what is no recording is refused by what it is', () => {
  const refused: [string, string | number[], RegExp][] = [
    ['an empty file', '', /an empty file/],
    ['a web page', '<!DOCTYPE html><html>', /a web page/],
    ['text', 'path,emotion\n', /text: "path,emotion\\n"/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
    ['an MP3 file with a tag', 'ID3\x04\0\0', /MP3/],
    ['a bare MP3 stream', [0xff, 0xfb, 0x90, 0x64, 0, 0, 0, 0], /MP3/],
    ['an Ogg file', 'OggS\0\x02', /Ogg/],
    ['a ZIP archive', 'PK\x03\x04', /ZIP/],
    ['an AVI file', 'RIFF\0\0\0\0AVI LIST', /no WAVE/],
    ['the first bytes of a WAV file', 'RIFF\x24\0', /cut off/],
    ['other bytes', [1, 2, 3, 4], /bytes 01020304/],
  ];
  it.each(refused)('%s', async (_name, content, message) => {
    const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : Uint8Array.from(content);
    await expect(decodeAudio(bytes, { where: 'clip demo/7' })).rejects.toThrow(DataError);
    await expect(decodeAudio(bytes, { where: 'clip demo/7' })).rejects.toThrow(message);
    await expect(decodeAudio(bytes, { where: 'clip demo/7' })).rejects.toThrow(/^clip demo\/7: /);
    expect(() => probeAudio(bytes)).toThrow(DataError);
  });
});

describe('real recordings', () => {
  const wavs = sharedFolder('ravdess-wav-quirks');
  const flacs = sharedFolder('ravdess-speech');
  const clips = [
    { clip: '03-01-02-01-01-02-01', channels: 2 },
    { clip: '03-01-03-01-02-01-07', channels: 1 },
    { clip: '03-01-03-01-02-02-07', channels: 1 },
    { clip: '03-01-04-01-02-01-24', channels: 1 },
    { clip: '03-01-05-02-01-01-12', channels: 1 },
  ];
  const title = wavs && flacs ? '' : ' (skipped: no recordings in ../shared)';
  it.skipIf(!wavs || !flacs).each(clips)(
    `$clip is the same as WAV with foreign chunks and as FLAC${title}`,
    async ({ clip, channels }) => {
      const wav = await decodeAudio(readFileSync(`${wavs}${clip}.wav`));
      const flac = await decodeAudio(readFileSync(`${flacs}Actor_${clip.slice(-2)}/${clip}.flac`));
      const digest = ({ samples }: typeof wav) =>
        createHash('sha256').update(new Uint8Array(samples.buffer)).digest('hex');
      expect(digest(wav)).toBe(digest(flac));
      expect(wav).toMatchObject({ sampleRate: 48000, channels, encoding: 'PCM_16', container: 'wav' });
      expect(wav.notices).toEqual(
        channels === 2 ? ['2 channels mixed down to one by their mean; they were identical'] : [],
      );
    },
  );
});
