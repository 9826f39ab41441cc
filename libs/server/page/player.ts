/** Plays a clip, with a cursor over its pictures and a slider that keyboards can move. */
import { encodeWav } from '@prosodia/audio';
import type { Clip } from './clip.ts';
import { element } from './dom.ts';
import { seconds } from './wording.ts';

export class Player {
  readonly #audio = new Audio();
  readonly #play = element('play', HTMLButtonElement);
  readonly #seek = element('seek', HTMLInputElement);
  readonly #time = element('time', HTMLOutputElement);
  readonly #cursor = element('cursor', HTMLDivElement);
  #duration_s = 0;
  #address = '';

  constructor() {
    this.#play.addEventListener('click', () => {
      if (this.#audio.paused) void this.#audio.play();
      else this.#audio.pause();
    });
    for (const event of ['play', 'pause', 'ended']) {
      this.#audio.addEventListener(event, () => {
        this.#play.textContent = this.#audio.paused ? 'Play' : 'Pause';
        this.#follow();
      });
    }
    this.#seek.addEventListener('input', () => {
      this.#audio.currentTime = Number(this.#seek.value);
      this.#show();
    });
  }

  /** Seconds from the start of the clip. */
  get position(): number {
    return Number(this.#seek.value);
  }

  load({ samples, rate }: Clip): void {
    URL.revokeObjectURL(this.#address);
    this.#address = URL.createObjectURL(
      new Blob([new Uint8Array(encodeWav(samples, rate, { format: 'float32' }))], { type: 'audio/wav' }),
    );
    this.#audio.src = this.#address;
    this.#duration_s = samples.length / rate;
    this.#seek.max = String(this.#duration_s);
    this.#seek.value = '0';
    this.#show();
  }

  #follow(): void {
    this.#seek.value = String(this.#audio.currentTime);
    this.#show();
    if (!this.#audio.paused) requestAnimationFrame(() => this.#follow());
  }

  #show(): void {
    const text = `${seconds(this.position)} / ${seconds(this.#duration_s)}`;
    this.#time.value = text;
    this.#seek.setAttribute('aria-valuetext', text);
    this.#cursor.style.left = `${(100 * this.position) / this.#duration_s}%`;
  }
}
