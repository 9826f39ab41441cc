/** The corrected rows, and links to take them and their recordings home. */
import type { Clip } from './clip.ts';
import { type Correction, correctionsCsv } from './corrections.ts';
import { make } from './dom.ts';

/** Addresses of what can be downloaded; the old ones are given back when new ones are made. */
let addresses: string[] = [];

export function correctionsView(corrections: readonly Correction[], clips: ReadonlyMap<string, Clip>): HTMLElement[] {
  addresses.forEach((address) => URL.revokeObjectURL(address));
  addresses = [];
  if (corrections.length === 0) return [];
  const link = (name: string, content: BlobPart, type: string) => {
    const address = URL.createObjectURL(new Blob([content], { type }));
    addresses.push(address);
    return make('a', { href: address, download: name }, name);
  };
  const rows = corrections.map(({ path, speaker, emotion }) =>
    make(
      'tr',
      {},
      make('td', {}, link(path, clips.get(path)!.bytes, 'application/octet-stream')),
      make('td', {}, speaker),
      make('td', {}, emotion),
    ),
  );
  return [
    make(
      'table',
      {},
      make('caption', {}, 'Corrected'),
      make(
        'thead',
        {},
        make('tr', {}, ...['Recording', 'Speaker', 'Emotion'].map((text) => make('th', { scope: 'col' }, text))),
      ),
      make('tbody', {}, ...rows),
    ),
    make(
      'p',
      {},
      'Put the recordings and ',
      link('labels.csv', correctionsCsv(corrections), 'text/csv'),
      ' into one folder: it is a corpus for the next training.',
    ),
  ];
}
