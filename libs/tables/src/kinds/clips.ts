/** One row per recording of a corpus. */
import { column, tableKind } from './table-kind.ts';

export interface ClipRow {
  clip_id: string;
  corpus: string;
  path: string;
  sha256: string;
  sample_rate: number;
  channels: number;
  frames: number;
  duration_s: number;
  speaker: string;
  sex: string | null;
  emotion: string;
  intensity: string | null;
  statement: string | null;
  repetition: number | null;
  vocal_channel: string | null;
}

export const ClipTable = tableKind<ClipRow>('clips', 'The recordings of a corpus and what is known of each.', [
  column('clip_id', 'utf8', 'corpus and file stem, unique in the table'),
  column('corpus', 'utf8', 'name in the catalogue'),
  column('path', 'utf8', 'file below the corpus folder, with forward slashes'),
  column('sha256', 'utf8', 'digest of the file, lower-case hexadecimal'),
  column('sample_rate', 'int32', 'samples per second, as recorded', { unit: 'Hz' }),
  column('channels', 'int32', 'channels in the file; later stages mix them down'),
  column('frames', 'int32', 'samples per channel', { unit: 'samples' }),
  column('duration_s', 'float64', 'frames / sample_rate, in seconds', { unit: 's' }),
  column('speaker', 'utf8', 'speaker id, unique within the corpus'),
  column('sex', 'utf8', 'female or male', { nullable: true }),
  column('emotion', 'utf8', 'the label'),
  column('intensity', 'utf8', 'normal or strong', { nullable: true }),
  column('statement', 'utf8', 'which sentence was spoken', { nullable: true }),
  column('repetition', 'int32', '1 for the first take', { nullable: true }),
  column('vocal_channel', 'utf8', 'speech or song', { nullable: true }),
]);
