import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { StreamReply } from './schemas.ts';
import { FakeModel } from './testing.ts';
import { ajv, useServer } from './testing-server.ts';

const { server, start, another, raw } = useServer();

describe('WebSocket /v1/stream', () => {
  const START = JSON.stringify({ sample_rate: 16_000, format: 's16le', threshold: 0.1 });

  it('estimates every half second, smoothed', async () => {
    const stream = await open();
    stream.send(START);
    expect(await stream.next()).toMatchObject({ type: 'ready', model: 'fake', every_s: 0.5, window_s: 3 });
    stream.sendAudio(0.5, 0.5);
    const first = await stream.next();
    expect(first).toMatchObject({ type: 'estimate', start_s: 0, end_s: 0.5, label: 'angry', uncertain: false });
    stream.sendAudio(3, 0);
    const second = await stream.next();
    expect(second).toMatchObject({ start_s: 0.5, end_s: 3.5, window: { angry: 0, calm: 0.75 } });
    const weight = 1 - Math.exp(-3 / 1.5);
    expect((second as { probabilities: Record<string, number> }).probabilities['angry']).toBeCloseTo(
      0.5 * (1 - weight),
      12,
    );
    stream.socket.close();
  });

  it('hears no more of the last seconds than the model does', async () => {
    const hearing = new FakeModel({ hears_s: 2.5 });
    try {
      const own = await another({ models: [{ source: { kind: 'bundle', folder: hearing.folder } }] });
      const stream = await open(own);
      stream.send(START);
      expect(await stream.next()).toMatchObject({ type: 'ready', window_s: 2.5 });
      stream.sendAudio(4, 0.5);
      expect(await stream.next()).toMatchObject({ type: 'estimate', start_s: 1.5, end_s: 4 });
      stream.socket.close();
    } finally {
      hearing.remove();
    }
  });

  it.each([
    ['{', 1007, 'bad-message'],
    ['{"format": "s16le"}', 1008, 'invalid-parameter'],
    ['{"sample_rate": 16000, "format": "mp3"}', 1008, 'invalid-parameter'],
    ['{"sample_rate": 16000, "format": "s16le", "model": "none"}', 1008, 'no-such-model'],
  ])('refuses the first message %s', async (message, code, name) => {
    const stream = await open();
    stream.send(message);
    expect(await stream.end()).toEqual([code, name]);
  });

  it('refuses floods, halves of samples, numbers that are none, and text after the first message', async () => {
    const bad: [Uint8Array | string, string, number, string][] = [
      [new Uint8Array(3), 's16le', 1007, 'bad-message'],
      [new Uint8Array(new Float32Array([NaN]).buffer), 'f32le', 1007, 'bad-message'],
      ['more', 's16le', 1007, 'bad-message'],
      [new Uint8Array(16_000 * 2 * 12), 's16le', 1008, 'too-fast'],
    ];
    for (const [message, format, code, name] of bad) {
      const stream = await open();
      stream.send(JSON.stringify({ sample_rate: 16_000, format }));
      await stream.next();
      stream.send(message);
      expect(await stream.end()).toEqual([code, name]);
    }
  });

  it('refuses messages that are too large, more streams than its limit, and silence', async () => {
    const own = await another({ limits: { streams: 1, message_bytes: 1000, idle_s: 0.3 } });
    const first = await open(own);
    const second = await open(own);
    expect(await second.end()).toEqual([1013, 'too-busy']);
    expect(await first.end()).toEqual([1008, 'idle']);
    const third = await open(own);
    third.send('x'.repeat(2000));
    expect((await third.end())[0]).toBe(1009);
  });

  it('survives frames that break the protocol', async () => {
    const key = 'dGhlIHNhbXBsZSBub25jZQ==';
    const upgrade = `GET /v1/stream HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${key}\r\n\r\n`;
    expect(await raw(Buffer.concat([Buffer.from(upgrade), Buffer.from([0xff, 0xff, 1, 2, 3, 4])]))).toMatch(
      /^HTTP\/1.1 101/,
    );
    expect((await fetch(`${server().url}/healthz`)).status).toBe(200);
  });

  it('is closed in order when the server stops', async () => {
    const own = await start();
    const stream = await open(own);
    const stopped = own.stop();
    expect(await stream.end()).toEqual([1001, 'stopping']);
    await stopped;
  });
});

class TestStream {
  readonly socket: WebSocket;
  readonly #messages: StreamReply[] = [];
  #wake: () => void = () => undefined;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as StreamReply;
      ajv.validate('#/components/schemas/StreamReply', message);
      expect(ajv.errors ?? []).toEqual([]);
      this.#messages.push(message);
      this.#wake();
    });
    socket.on('error', () => undefined);
  }

  send(message: string | Uint8Array): void {
    this.socket.send(message);
  }

  sendAudio(seconds: number, level: number): void {
    this.send(new Uint8Array(new Int16Array(seconds * 16_000).fill(level * 32_768).buffer));
  }

  async next(): Promise<StreamReply> {
    while (this.#messages.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    return this.#messages.shift()!;
  }

  /** Code and reason with which the server closes. */
  async end(): Promise<[number, string]> {
    if (this.socket.readyState === WebSocket.CLOSED) throw new Error('it was closed before it was looked at');
    const [code, reason] = (await once(this.socket, 'close')) as [number, Buffer];
    return [code, reason.toString()];
  }
}

async function open(at = server()): Promise<TestStream> {
  const socket = new WebSocket(`${at.url.replace('http', 'ws')}/v1/stream`);
  const stream = new TestStream(socket);
  await once(socket, 'open');
  return stream;
}
