/** Estimates while the microphone records: by the server over a WebSocket, or by the model in the page. */
import type { StreamReply, StreamStart } from '../src/schemas.ts';
import { protocols } from './api.ts';
import type { OnDevice } from './on-device.ts';
import type { Recorder } from './recorder.ts';
import { mostProbable } from './windows.ts';

export interface Estimate {
  label: string;
  probability: number;
  uncertain: boolean;
}

export interface Live {
  /** Samples of the microphone, as they come. */
  push(samples: Float32Array<ArrayBuffer>): void;
  stop(): void;
}

export interface LiveEvents {
  onEstimate(estimate: Estimate): void;
  onProblem(text: string): void;
}

/** An estimate hears this much, or what the model does if that is less. */
const HEARS_S = 3;
const EVERY_MS = 500;
/** Time constant of the smoothing, as the server's. */
const SMOOTHING_S = 1.5;

export function liveOnServer(
  model: string,
  rate: number,
  threshold: number,
  { onEstimate, onProblem }: LiveEvents,
): Live {
  const address = new URL('/v1/stream', location.href);
  address.protocol = address.protocol.replace('http', 'ws');
  const socket = new WebSocket(address, protocols());
  socket.addEventListener('open', () => {
    const start: StreamStart = { sample_rate: rate, format: 's16le', model, window_s: HEARS_S, threshold };
    socket.send(JSON.stringify(start));
  });
  socket.addEventListener('message', ({ data }) => {
    const reply = JSON.parse(String(data)) as StreamReply;
    if (reply.type === 'estimate') onEstimate(reply);
    if (reply.type === 'problem') onProblem(reply.problem.detail);
  });
  return {
    push(samples) {
      // What comes before the socket is open is not estimated; the recording has it.
      if (socket.readyState === WebSocket.OPEN) socket.send(int16(samples));
    },
    stop: () => socket.close(),
  };
}

export function liveOnDevice(
  model: OnDevice,
  recorder: Recorder,
  threshold: number,
  { onEstimate, onProblem }: LiveEvents,
): Live {
  let busy = false;
  let smoothed: number[] | undefined;
  let before = performance.now();
  const stop = new AbortController();
  const estimate = async () => {
    const samples = recorder.latest(Math.min(HEARS_S, model.window_s));
    if (busy || samples.length < recorder.rate / 2) return;
    busy = true;
    try {
      const [found] = await model.predictMany([samples], recorder.rate, stop.signal, () => undefined);
      const now = performance.now();
      const weight = 1 - Math.exp(-(now - before) / 1000 / SMOOTHING_S);
      before = now;
      smoothed = found!.map((p, c) => (smoothed ? smoothed[c]! + weight * (p - smoothed[c]!) : p));
      const best = mostProbable(smoothed);
      const probability = smoothed[best]!;
      if (!stop.signal.aborted)
        onEstimate({ label: model.labels[best]!, probability, uncertain: probability < threshold });
    } catch (error) {
      if (!stop.signal.aborted) onProblem(error instanceof Error ? error.message : String(error));
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void estimate(), EVERY_MS);
  return {
    push: () => undefined,
    stop() {
      clearInterval(timer);
      stop.abort();
    },
  };
}

function int16(samples: Float32Array): ArrayBuffer {
  const bytes = new DataView(new ArrayBuffer(2 * samples.length));
  for (let i = 0; i < samples.length; i++) {
    bytes.setInt16(2 * i, Math.max(-32768, Math.min(32767, Math.round(samples[i]! * 32768))), true);
  }
  return bytes.buffer;
}
