/** The page: sound in, answers out. Every part of it is a module of its own; this one joins them. */
import { type Answer, answerView } from './answer.ts';
import { ApiError, useToken } from './api.ts';
import { type Clip, clipOfFile, clipOfSamples, uniqueName } from './clip.ts';
import type { Correction } from './corrections.ts';
import { correctionsView } from './corrections-view.ts';
import { element, make } from './dom.ts';
import { drawSpectrogram, drawWaveform } from './draw.ts';
import { type Explanation, explain } from './explanation.ts';
import { explanationView } from './explanation-view.ts';
import { type Live, liveOnDevice, liveOnServer } from './live.ts';
import { type MelSpectrogram, melSpectrogram } from './mel.ts';
import { Models } from './models.ts';
import { complain, isAbort, say, settle } from './notices.ts';
import { OnDevice } from './on-device.ts';
import { Player } from './player.ts';
import { Recorder, levelOf } from './recorder.ts';
import { headline, percent, reservation, seconds } from './wording.ts';

interface Shown {
  clip: Clip;
  mel: MelSpectrogram;
  answers: Answer[];
  explanation: Explanation | undefined;
}

const clips = new Map<string, Clip>();
const corrections = new Map<string, Correction>();
let shown: Shown | undefined;
/** Calls off what was asked about the clip that was shown before, or with other settings. */
let asking = new AbortController();
let explaining: AbortController | undefined;
let recording: { recorder: Recorder; live: Live } | undefined;

const player = new Player();
const models = new Models(() => void ask());

const record = element('record', HTMLButtonElement);
const files = element('files', HTMLInputElement);
const drop = element('drop', HTMLDivElement);
const liveBox = element('live', HTMLDivElement);
const liveText = element('live-text', HTMLParagraphElement);
const level = element('level', HTMLMeterElement);
const answers = element('answers', HTMLDivElement);
const explainButton = element('explain', HTMLButtonElement);
const cancelButton = element('explain-cancel', HTMLButtonElement);
const progress = element('explain-progress', HTMLProgressElement);
const explainResult = element('explain-result', HTMLDivElement);

/** Shows a clip and asks about it. */
function show(clip: Clip): Promise<void> {
  const duration_s = clip.samples.length / clip.rate;
  shown = { clip, mel: melSpectrogram(clip.samples, clip.rate), answers: [], explanation: undefined };
  const doubts = element('clip-doubts', HTMLParagraphElement);
  doubts.textContent = reservation(clip.samples, clip.rate);
  doubts.hidden = doubts.textContent === '';
  element('clip-title', HTMLHeadingElement).textContent = `${clip.name}, ${seconds(duration_s)}`;
  element('axis-end', HTMLSpanElement).textContent = seconds(duration_s);
  element('axis-hz', HTMLSpanElement).textContent = `${(shown.mel.top_hz / 1000).toFixed(1)} kHz`;
  for (const id of ['clip', 'explain-section', 'correct-section']) element(id, HTMLElement).hidden = false;
  element('waveform', HTMLCanvasElement).setAttribute('aria-label', `Waveform of ${clip.name}`);
  element('spectrogram', HTMLCanvasElement).setAttribute('aria-label', `Mel spectrogram of ${clip.name}`);
  player.load(clip);
  listClips();
  draw();
  return ask();
}

function draw(): void {
  if (!shown) return;
  const { clip, mel, explanation } = shown;
  drawWaveform(element('waveform', HTMLCanvasElement), clip.samples);
  drawSpectrogram(element('spectrogram', HTMLCanvasElement), mel, explanation, clip.samples.length / clip.rate);
}

/** Asks the chosen models about the clip that is shown. */
async function ask(): Promise<void> {
  asking.abort();
  explaining?.abort();
  if (!shown) return;
  const own = shown;
  const { signal } = (asking = new AbortController());
  own.explanation = undefined;
  explainResult.replaceChildren();
  draw();
  settle();
  say(`Listening to ${own.clip.name}.`);
  const { settings, place } = models;
  try {
    const chosen = await models.predictors();
    own.answers = await Promise.all(
      chosen.map(async (model): Promise<Answer> => {
        const { id, labels, calibrated } = model;
        const told = await model.predict(own.clip, settings, signal);
        return { model: id, labels, calibrated, threshold: settings.threshold, place, ...told };
      }),
    );
    if (signal.aborted) return;
    answers.replaceChildren(...own.answers.map(answerView));
    element('labels', HTMLDataListElement).replaceChildren(
      ...models.labels.map((label) => make('option', { value: label })),
    );
    const { result } = own.answers[0]!;
    say(`${headline(result.label, result.probability)}${result.uncertain ? ', which is uncertain' : ''}.`);
  } catch (error) {
    if (isAbort(error) || signal.aborted) return;
    answers.replaceChildren();
    complain(error);
    askForToken(error);
  }
}

function listClips(): void {
  const items = [...clips.values()].map((clip) => {
    const button = make('button', { type: 'button', 'aria-current': String(clip === shown?.clip) }, clip.name);
    button.addEventListener('click', () => {
      void show(clip);
      document.querySelector<HTMLElement>('#clips [aria-current="true"]')?.focus();
    });
    return make('li', {}, button);
  });
  element('clips', HTMLUListElement).replaceChildren(...items);
}

function add(clip: Clip): Clip {
  const own = { ...clip, name: uniqueName(clip.name, new Set(clips.keys())) };
  clips.set(own.name, own);
  return own;
}

/** Takes files that were chosen or dropped; one that is no recording takes no other with it. */
async function take(given: readonly File[]): Promise<void> {
  settle();
  let first: Clip | undefined;
  const failures: string[] = [];
  for (const file of given) {
    try {
      const clip = add(await clipOfFile(file));
      first ??= clip;
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  if (first) await show(first);
  if (failures.length > 0) complain(failures.join('; '));
}

async function startRecording(): Promise<void> {
  settle();
  // Before the microphone is opened: without a model there is nothing to listen for.
  const [model] = await models.predictors();
  const recorder = await Recorder.start({
    onBlock(samples) {
      const dB = levelOf(samples);
      level.value = dB;
      level.textContent = `${Math.round(dB)} dB`;
      recording?.live.push(samples);
    },
  });
  const events = {
    onEstimate: ({ label, probability, uncertain }: { label: string; probability: number; uncertain: boolean }) => {
      liveText.textContent = `Now: ${label}, ${percent(probability)}${uncertain ? ' (uncertain)' : ''}`;
    },
    onProblem: complain,
  };
  const { threshold } = models.settings;
  const live =
    model instanceof OnDevice
      ? liveOnDevice(model, recorder, threshold, events)
      : liveOnServer(model!.id, recorder.rate, threshold, events);
  recording = { recorder, live };
  record.textContent = 'Stop';
  record.setAttribute('aria-pressed', 'true');
  liveText.textContent = 'Listening.';
  liveBox.hidden = false;
  say('Recording.');
}

async function stopRecording({ recorder, live }: { recorder: Recorder; live: Live }): Promise<void> {
  recording = undefined;
  live.stop();
  record.textContent = 'Record';
  record.setAttribute('aria-pressed', 'false');
  liveBox.hidden = true;
  const samples = await recorder.stop();
  if (samples.length === 0) throw new Error('the microphone gave no sound');
  const moment = new Date().toISOString().slice(0, 19).replaceAll(':', '-');
  await show(add(clipOfSamples(`recording-${moment}.wav`, samples, recorder.rate)));
}

async function explainShown(): Promise<void> {
  const [answer] = shown?.answers ?? [];
  if (!shown || !answer) return;
  const own = shown;
  const stop = (explaining = new AbortController());
  const { clip } = own;
  setExplaining(true);
  settle();
  say('Explaining.');
  try {
    const [model] = await models.predictors();
    const { label } = answer.result;
    // The window around the cursor: what a model hears in one piece.
    const { window_s = model!.window_s } = models.settings;
    const duration_s = clip.samples.length / clip.rate;
    const start_s = Math.max(0, Math.min(player.position - window_s / 2, duration_s - window_s));
    const piece = clip.samples.slice(Math.round(start_s * clip.rate), Math.round((start_s + window_s) * clip.rate));
    own.explanation = await explain(model!, piece, clip.rate, start_s, label, stop.signal, (done, total) => {
      progress.max = total;
      progress.value = done;
    });
    explainResult.replaceChildren(explanationView(own.explanation));
    draw();
    say('Explained: the parts are drawn over the spectrogram and listed.');
  } catch (error) {
    if (isAbort(error)) say('Explaining was cancelled.');
    else complain(error);
  } finally {
    setExplaining(false);
  }
}

function setExplaining(active: boolean): void {
  const focused = document.activeElement === explainButton || document.activeElement === cancelButton;
  explainButton.hidden = active;
  cancelButton.hidden = !active;
  element('explain-progress-field', HTMLLabelElement).hidden = !active;
  progress.value = 0;
  // The button that had the focus is gone: the other one takes it over.
  if (focused) (active ? cancelButton : explainButton).focus();
}

function askForToken(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 401) return;
  element('token-form', HTMLFormElement).hidden = false;
  element('token', HTMLInputElement).focus();
}

async function begin(): Promise<void> {
  try {
    await models.load();
    element('token-form', HTMLFormElement).hidden = true;
    settle();
    say('Ready. Record, or choose a file.');
  } catch (error) {
    complain(error);
    askForToken(error);
  }
}

record.addEventListener('click', () => {
  record.disabled = true;
  const done = recording ? stopRecording(recording) : startRecording();
  void done.catch(complain).finally(() => {
    record.disabled = false;
    record.focus();
  });
});
files.addEventListener('change', () => {
  void take([...(files.files ?? [])]);
  // The same file can be chosen again.
  files.value = '';
});
for (const name of ['dragenter', 'dragover'] as const) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.add('over');
  });
}
drop.addEventListener('dragleave', () => drop.classList.remove('over'));
drop.addEventListener('drop', (event) => {
  event.preventDefault();
  drop.classList.remove('over');
  void take([...(event.dataTransfer?.files ?? [])]);
});
explainButton.addEventListener('click', () => void explainShown());
cancelButton.addEventListener('click', () => explaining?.abort());
element('correct-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  if (!shown) return;
  const emotion = element('emotion', HTMLInputElement).value.trim();
  const speaker = element('speaker', HTMLInputElement).value.trim();
  corrections.set(shown.clip.name, { path: shown.clip.name, speaker, emotion });
  element('corrections', HTMLDivElement).replaceChildren(...correctionsView([...corrections.values()], clips));
  say(`${shown.clip.name} is noted as ${emotion}.`);
});
element('token-form', HTMLFormElement).addEventListener('submit', (event) => {
  event.preventDefault();
  useToken(element('token', HTMLInputElement).value);
  void begin();
});
window.addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
void begin();
