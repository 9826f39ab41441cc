/** Runs where the sound arrives: hands on blocks of the microphone's samples, one channel. */

// What every AudioWorkletGlobalScope has; TypeScript's DOM library describes the page's side only.
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const BLOCK = 2048;

class Recorder extends AudioWorkletProcessor {
  #block = new Float32Array(BLOCK);
  #filled = 0;

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    const channel = inputs[0]?.[0];
    // No input yet, or none any more.
    if (channel === undefined) return true;
    this.#block.set(channel, this.#filled);
    this.#filled += channel.length;
    if (this.#filled + channel.length > BLOCK) {
      const full = this.#block.slice(0, this.#filled);
      this.port.postMessage(full, [full.buffer]);
      this.#filled = 0;
    }
    return true;
  }
}

registerProcessor('recorder', Recorder);
