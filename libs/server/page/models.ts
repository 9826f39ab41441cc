/** Which model answers, and where: the choices at the top of the page. */
import { type Model, type ModelsReply, fetchModels } from './api.ts';
import { element, fill } from './dom.ts';
import { complain, say, settle } from './notices.ts';
import { OnDevice, whyNot } from './on-device.ts';
import { OnServer } from './on-server.ts';
import type { Predictor, Settings } from './predictor.ts';
import { percent } from './wording.ts';

const modelSelect = element('model', HTMLSelectElement);
const secondSelect = element('second', HTMLSelectElement);
const windowSelect = element('window', HTMLSelectElement);
const thresholdSelect = element('threshold', HTMLSelectElement);
const onDevice = element('on-device', HTMLInputElement);
const onServer = document.querySelector<HTMLInputElement>('input[name="place"][value="server"]')!;
const note = element('place-note', HTMLParagraphElement);

const NONE = '';
/** As long a window as a model hears in one piece. */
const USUAL = '';
const THRESHOLDS = [0, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

export class Models {
  #reply: ModelsReply | undefined;
  readonly #loaded = new Map<string, Promise<OnDevice>>();

  /** @param onChange called when another answer is wanted */
  constructor(onChange: () => void) {
    const changed = () => {
      this.#tell();
      onChange();
    };
    for (const control of [modelSelect, secondSelect, windowSelect, thresholdSelect]) {
      control.addEventListener('change', changed);
    }
    for (const radio of [onServer, onDevice]) {
      radio.addEventListener('change', () => void this.#move().then(changed));
    }
  }

  /** @throws ApiError */
  async load(): Promise<void> {
    this.#reply = await fetchModels();
    const { models, limits } = this.#reply;
    const options = models.map(({ id, title }) => [id, title === '' || title === id ? id : `${id}: ${title}`] as const);
    fill(modelSelect, options);
    fill(secondSelect, [[NONE, 'no other'], ...options]);
    element('second-field', HTMLLabelElement).hidden = models.length < 2;
    fill(
      thresholdSelect,
      THRESHOLDS.map((value) => [String(value), percent(value)]),
    );
    thresholdSelect.value = String(models[0]!.threshold);
    element('limits', HTMLParagraphElement).textContent =
      `The server takes recordings up to ${limits.duration_s} s and ${Math.floor(limits.body_bytes / 2 ** 20)} MiB. ` +
      'It keeps none of them.';
    this.#tell();
    void this.#follow();
  }

  /** Asks again until the server has made every one-file form that there can be. */
  async #follow(): Promise<void> {
    for (let wait_ms = 500; this.#making(); wait_ms = Math.min(2 * wait_ms, 8000)) {
      await new Promise((resolve) => setTimeout(resolve, wait_ms));
      const reply = await fetchModels().catch(() => undefined);
      // Without an answer nothing has changed; what is asked next tells of the trouble.
      if (reply) this.#reply = reply;
      this.#tell();
    }
  }

  #making(): boolean {
    return this.#reply!.models.some(({ one_file_state }) => one_file_state === 'making');
  }

  get settings(): Settings {
    const { value } = windowSelect;
    return { window_s: value === USUAL ? undefined : Number(value), threshold: Number(thresholdSelect.value) };
  }

  get place(): 'on the server' | 'on this device' {
    return onDevice.checked ? 'on this device' : 'on the server';
  }

  /** Labels of the chosen models, each once. */
  get labels(): string[] {
    return [...new Set(this.#chosen().flatMap(({ labels }) => labels))];
  }

  /** The chosen models, the main one first. Throws the reason if one cannot run where it is wanted. */
  predictors(): Promise<Predictor[]> {
    return Promise.all(
      this.#chosen().map(async (model): Promise<Predictor> =>
        onDevice.checked ? this.#device(model) : new OnServer(model, this.#reply!.limits.files),
      ),
    );
  }

  /** A model in the page, loaded once. */
  #device(model: Model): Promise<OnDevice> {
    let loaded = this.#loaded.get(model.id);
    if (loaded === undefined) {
      loaded = OnDevice.load(model);
      this.#loaded.set(model.id, loaded);
      loaded.catch(() => this.#loaded.delete(model.id));
    }
    return loaded;
  }

  /** Throws the reason if the server has not said what it has. */
  #chosen(): Model[] {
    if (!this.#reply) throw new Error('the server has not said which models it has; see above, or load the page again');
    const { models } = this.#reply;
    const chosen = models.filter(({ id }) => id === modelSelect.value);
    const second = models.find(({ id }) => id === secondSelect.value && id !== modelSelect.value);
    return second ? [...chosen, second] : chosen;
  }

  /** Loads the models before anything is asked of them; back to the server if that fails. */
  async #move(): Promise<void> {
    settle();
    if (!onDevice.checked) return say('Predictions are made on the server.');
    say('Loading the model into this page.');
    try {
      await this.predictors();
      say('Predictions are made on this device. No sound is sent.');
    } catch (error) {
      onServer.checked = true;
      complain(error);
    }
  }

  #tell(): void {
    const lengths = new Set(this.#chosen().map(({ window_s }) => `${window_s} s`));
    element('usual-window', HTMLOptionElement).textContent = `usual: ${[...lengths].join(' and ')}`;
    const missing = this.#chosen().find(({ one_file }) => one_file === null);
    onDevice.disabled = missing !== undefined;
    if (missing && onDevice.checked) onServer.checked = true;
    note.textContent = missing
      ? missing.one_file_state === 'making'
        ? `On this device will be possible in a moment: ${whyNot(missing)}.`
        : `On this device is not possible: ${whyNot(missing)}.`
      : onDevice.checked
        ? 'The model runs in this tab. No sound is sent. The probabilities are those of the server.'
        : 'Recordings are sent to the server of this page, and to no other.';
  }
}
