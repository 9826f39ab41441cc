/** An answer as people read it: one line, what the number means, every probability, and how it changes over time. */
import type { Prediction } from './api.ts';
import { make } from './dom.ts';
import { doubt, headline, meaning, percent, seconds } from './wording.ts';

export interface Answer {
  model: string;
  labels: readonly string[];
  calibrated: boolean;
  threshold: number;
  place: 'on the server' | 'on this device';
  result: Prediction;
  notices: readonly string[];
}

export function answerView({ model, labels, calibrated, threshold, place, result, notices }: Answer): HTMLElement {
  const { label, probability, uncertain, windows, left_out } = result;
  const heard = windows === 1 ? 'heard in one piece' : `heard in ${windows} windows`;
  return make(
    'article',
    { class: 'answer', 'aria-label': `Answer of ${model}` },
    make('h3', {}, model),
    make('p', { class: 'headline' }, headline(label, probability)),
    ...(uncertain ? [make('p', { class: 'uncertain' }, doubt(probability, threshold))] : []),
    make('p', { class: 'note' }, meaning(probability, calibrated)),
    bars(labels, result),
    timeline(result, threshold),
    make('p', { class: 'note' }, `Computed ${place}, ${heard}.`),
    ...notices.map((notice) => make('p', { class: 'note' }, `Note: ${notice}.`)),
    ...left_out.map(({ start_s, end_s, reason }) =>
      make('p', { class: 'note' }, `Left out, ${seconds(start_s)} to ${seconds(end_s)}: ${reason}`),
    ),
  );
}

function bars(labels: readonly string[], { probabilities }: Prediction): HTMLElement {
  const rows = labels
    .map((label) => ({ label, probability: probabilities[label]! }))
    .sort((a, b) => b.probability - a.probability)
    .map(({ label, probability }) => {
      const bar = make('div', { class: 'bar' });
      bar.style.width = `${100 * probability}%`;
      return make(
        'tr',
        {},
        make('th', { scope: 'row' }, label),
        make('td', {}, bar),
        make('td', {}, make('data', { value: String(probability) }, percent(probability))),
      );
    });
  return make('table', { class: 'bars' }, make('caption', {}, 'Probabilities'), make('tbody', {}, ...rows));
}

function timeline({ timeline: spans, duration_s }: Prediction, threshold: number): HTMLElement {
  const items = spans.map(({ start_s, end_s, label, probability }) => {
    const doubtful = probability < threshold;
    const text = `${label}${doubtful ? '?' : ''} ${percent(probability)}`;
    const when = `${seconds(start_s)} to ${seconds(end_s)}`;
    const item = make(
      'li',
      { class: doubtful ? 'doubtful' : undefined, title: `${when}: ${text}` },
      make('span', { class: 'away' }, `${when}: `),
      text,
    );
    item.style.left = `${(100 * start_s) / duration_s}%`;
    item.style.width = `${(100 * (end_s - start_s)) / duration_s}%`;
    return item;
  });
  return make('ol', { class: 'timeline', 'aria-label': 'Emotion over time' }, ...items);
}
