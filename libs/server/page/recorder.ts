/** The microphone: samples as they come, and all of them at the end. */

export interface RecorderEvents {
  /** A block of samples, about every 40 ms. */
  onBlock(samples: Float32Array<ArrayBuffer>): void;
}

export class Recorder {
  /** Hz. */
  readonly rate: number;
  readonly #context: AudioContext;
  readonly #stream: MediaStream;
  readonly #blocks: Float32Array<ArrayBuffer>[] = [];

  private constructor(context: AudioContext, stream: MediaStream) {
    this.#context = context;
    this.#stream = stream;
    this.rate = context.sampleRate;
  }

  /** @throws Error if there is no microphone, or it may not be used */
  static async start({ onBlock }: RecorderEvents): Promise<Recorder> {
    if (navigator.mediaDevices === undefined) {
      throw new Error('browsers let a page use the microphone over https or on this machine only');
    }
    let stream: MediaStream;
    try {
      // Processing for telephone calls would change what the model was trained on.
      const audio = { channelCount: 1, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
      stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new Error(`the microphone cannot be used: ${whyNot(error)}`, { cause: error });
    }
    const context = new AudioContext();
    const recorder = new Recorder(context, stream);
    try {
      await context.audioWorklet.addModule('/recorder-worklet.js');
      const node = new AudioWorkletNode(context, 'recorder', { numberOfOutputs: 0 });
      node.port.onmessage = ({ data }: MessageEvent<Float32Array<ArrayBuffer>>) => {
        recorder.#blocks.push(data);
        onBlock(data);
      };
      context.createMediaStreamSource(stream).connect(node);
      await context.resume();
      return recorder;
    } catch (error) {
      // Or the browser would go on to show that the microphone is in use.
      await recorder.stop();
      throw new Error('the recorder of the page cannot be started; is the server still there?', { cause: error });
    }
  }

  /** Everything since the start. */
  async stop(): Promise<Float32Array<ArrayBuffer>> {
    for (const track of this.#stream.getTracks()) track.stop();
    await this.#context.close();
    return joined(this.#blocks);
  }

  /** The last seconds so far. */
  latest(seconds: number): Float32Array<ArrayBuffer> {
    let wanted = Math.round(seconds * this.rate);
    const blocks: Float32Array<ArrayBuffer>[] = [];
    for (let i = this.#blocks.length - 1; i >= 0 && wanted > 0; i--) {
      blocks.unshift(this.#blocks[i]!);
      wanted -= this.#blocks[i]!.length;
    }
    return joined(blocks);
  }
}

/** By the names that the standard of getUserMedia gives, in words that say what to do. */
function whyNot(error: unknown): string {
  if (!(error instanceof DOMException)) return String(error);
  switch (error.name) {
    case 'NotAllowedError':
      return 'this page may not; allow it beside the address of the page, and record again';
    case 'NotFoundError':
      return 'there is none';
    case 'NotReadableError':
      return 'another program uses it, or the system does not hand it out';
    default:
      return error.message;
  }
}

function joined(blocks: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}

/** Root mean square of samples in dB of full scale, -60 at the least. */
export function levelOf(samples: Float32Array): number {
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / Math.max(1, samples.length);
  return Math.max(-60, 10 * Math.log10(Math.max(power, 1e-12)));
}
