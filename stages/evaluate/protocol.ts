/** How the numbers came about: corpus, split, and whether the speakers judged were heard in training. */
import type { Role } from '@prosodia/core';
import type { ClipRow, SplitRow } from '@prosodia/tables';
import type { Judged } from './rows.ts';

export interface Protocol {
  corpora: string[];
  /** True if any of the data is the built-in synthetic corpus. */
  synthetic: boolean;
  role: string;
  folds: number[];
  judged: { items: number; clips: number; speakers: number };
  corpus: { clips: number; speakers: number; hours: number };
  /** Undefined without a split. */
  split?: SplitFacts;
}

export interface SplitFacts {
  /** Clips in each role, fold by fold. */
  counts: { fold: number; train: number; validation: number; test: number }[];
  /** Speakers judged who are in the training rows of the same fold too; highest over the folds. */
  shared_speakers: number;
  /** Speakers judged in that fold. */
  judged_speakers: number;
}

/** Name of the corpus that is synthesized, not recorded. */
const SYNTHETIC_CORPUS = 'demo';

export function describeProtocol(
  judged: Judged,
  clips: ReadonlyMap<string, ClipRow>,
  split: readonly SplitRow[] | undefined,
  role: string,
): Protocol {
  const all = [...clips.values()];
  const corpora = [...new Set(all.map((clip) => clip.corpus))].sort();
  const folds = [...new Set(judged.rows.map((row) => row.fold))].sort((a, b) => a - b);
  return {
    corpora,
    synthetic: corpora.includes(SYNTHETIC_CORPUS),
    role,
    folds,
    judged: {
      items: judged.rows.length,
      clips: new Set(judged.rows.map((row) => row.clip_id)).size,
      speakers: speakersOf(judged.clips).size,
    },
    corpus: {
      clips: all.length,
      speakers: speakersOf(all).size,
      hours: all.reduce((sum, clip) => sum + clip.duration_s, 0) / 3600,
    },
    ...(split ? { split: splitFacts(split, clips, folds, role) } : {}),
  };
}

function splitFacts(
  split: readonly SplitRow[],
  clips: ReadonlyMap<string, ClipRow>,
  folds: readonly number[],
  role: string,
): SplitFacts {
  const facts: SplitFacts = { counts: [], shared_speakers: 0, judged_speakers: 0 };
  for (const fold of folds) {
    const speakers = new Map<Role, Set<string>>();
    const counts = { fold, train: 0, validation: 0, test: 0 };
    for (const row of split) {
      if (row.fold !== fold) continue;
      counts[row.role]++;
      const clip = clips.get(row.clip_id);
      if (!clip) continue;
      const known = speakers.get(row.role) ?? new Set();
      speakers.set(row.role, known.add(speakerKey(clip)));
    }
    facts.counts.push(counts);
    const trained = speakers.get('train') ?? new Set();
    const judged = [...(speakers.get(role as Role) ?? [])];
    const shared = judged.filter((speaker) => trained.has(speaker)).length;
    if (shared > facts.shared_speakers || facts.judged_speakers === 0) {
      facts.shared_speakers = shared;
      facts.judged_speakers = judged.length;
    }
  }
  return facts;
}

function speakersOf(clips: readonly ClipRow[]): Set<string> {
  return new Set(clips.map(speakerKey));
}

function speakerKey(clip: ClipRow): string {
  return `${clip.corpus}/${clip.speaker}`;
}

/** The protocol in plain words, one sentence per point. */
export function protocolInWords(protocol: Protocol): string[] {
  const { judged, corpus, split, folds, role, corpora } = protocol;
  const out = [
    `Data: ${corpora.join(', ')}; ${count(corpus.clips, 'clip')} of ${count(corpus.speakers, 'speaker')}, ${corpus.hours.toFixed(1)} hours.`,
    judged.items === judged.clips
      ? `Judged: ${count(judged.clips, 'clip')} of ${count(judged.speakers, 'speaker')} with role ${role}.`
      : `Judged: ${count(judged.items, 'item')} from ${count(judged.clips, 'clip')} of ${count(judged.speakers, 'speaker')} with role ${role}.`,
  ];
  out.push(
    folds.length > 1
      ? `Cross-validation over ${folds.length} folds: every fold has a model of its own, and the predictions of all folds are judged together.`
      : 'One split into training and test rows (holdout).',
  );
  if (!split) {
    out.push(
      'The split was not given to the report, so it cannot say whether the speakers judged were heard in training.',
    );
  } else if (split.shared_speakers === 0) {
    out.push(
      'Speaker-independent: nobody judged was heard in training. The numbers say how well new voices are understood.',
    );
  } else {
    out.push(
      `Not speaker-independent: ${split.shared_speakers} of ${count(split.judged_speakers, 'speaker')} judged were also heard in training. ` +
        'The numbers say how well new recordings of known voices are understood; expect lower ones for new voices.',
    );
  }
  return out;
}

/** `1 clip`, `1,440 clips`. */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en-US')} ${noun}${n === 1 ? '' : 's'}`;
}
