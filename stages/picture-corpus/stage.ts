/** What there is to learn from, at a glance: how many clips of each label, how long, and how one of each looks. */
import { DataError, Type, defineStage, throwIfCancelled } from '@prosodia/core';
import { melspectrogram, powerToDb, transpose } from '@prosodia/dsp';
import { barChart, clipPicture, histogram, svgToPng } from '@prosodia/plots';
import { type AudioRow, AudioTable, type ClipRow, ClipTable, Report } from '@prosodia/tables';

export default defineStage({
  name: 'picture-corpus',
  summary:
    'Draws a corpus: clips per label and speaker, durations, and waveform and mel spectrogram of a clip per label.',
  details:
    'Each picture as SVG and PNG. The clips drawn are unaltered and of the first speaker in the table that has every ' +
    'label, so that labels are compared and not voices; without such a speaker, the first clip of each label.',
  params: Type.Object({
    label: Type.String({ default: 'emotion', description: 'Column of the clips table to count and to draw by.' }),
    n_fft: Type.Integer({ default: 1024, minimum: 16, description: 'Samples in a frame.' }),
    hop_length: Type.Integer({ default: 256, minimum: 1, description: 'Samples from one frame to the next.' }),
    n_mels: Type.Integer({ default: 64, minimum: 1, description: 'Mel bands.' }),
  }),
  inputs: { clips: ClipTable, audio: AudioTable },
  outputs: { pictures: Report },

  async run({ params, inputs, outputs, signal, progress, metrics }) {
    const clips = await inputs.clips.all();
    const { label, ...spectra } = params;
    const labelled = clips.map((clip) => ({ clip, value: labelOf(clip, label, inputs.clips.where) }));
    const save = async (name: string, svg: string) => {
      throwIfCancelled(signal);
      await outputs.pictures.bytes(`${name}.svg`, svg);
      await outputs.pictures.bytes(`${name}.png`, svgToPng(svg));
    };
    const counted = (values: readonly string[]) => {
      const counts = new Map<string, number>();
      for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
      return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => ({ label: name, value }));
    };
    const balance = counted(labelled.map(({ value }) => value));
    const speakers = counted(clips.map(({ speaker }) => speaker));
    await save('balance', barChart({ title: `Clips per ${label}`, bars: balance, valueName: 'clips' }));
    await save('speakers', barChart({ title: 'Clips per speaker', bars: speakers, valueName: 'clips' }));
    const durations = clips.map(({ duration_s }) => duration_s);
    await save('durations', histogram({ title: 'Durations', values: durations, valueName: 'seconds' }));

    const chosen = examples(labelled);
    let drawn = 0;
    for await (const row of inputs.audio.rows()) {
      const value = row.augmentation === null && row.item_id === row.clip_id ? chosen.get(row.clip_id) : undefined;
      if (value === undefined || row.samples.length === 0) continue;
      await save(`clip-${value.replaceAll(/[^\w.-]+/g, '_')}`, picture(value, row, spectra));
      progress(++drawn, chosen.size, 'clips');
    }
    metrics({ clips: clips.length, labels: balance.length, speakers: speakers.length, drawn });
  },
});

function labelOf(clip: ClipRow, column: string, where: string): string {
  const value = (clip as unknown as Record<string, unknown>)[column];
  if (typeof value === 'string') return value;
  throw new DataError({
    problem: `a clip has no ${column}`,
    expected: 'a column of text, such as emotion, sex or intensity',
    got: `${String(value)} for ${clip.clip_id}`,
    where,
  });
}

/** Label to draw by clip id. */
function examples(labelled: readonly { clip: ClipRow; value: string }[]): Map<string, string> {
  const labels = new Set(labelled.map(({ value }) => value)).size;
  const bySpeaker = new Map<string, { clip: ClipRow; value: string }[]>();
  for (const entry of labelled) {
    const voice = `${entry.clip.corpus}/${entry.clip.speaker}`;
    bySpeaker.set(voice, [...(bySpeaker.get(voice) ?? []), entry]);
  }
  const complete = [...bySpeaker.values()].find((own) => new Set(own.map(({ value }) => value)).size === labels);
  const chosen = new Map<string, string>();
  const taken = new Set<string>();
  for (const { clip, value } of complete ?? labelled) {
    if (taken.has(value)) continue;
    taken.add(value);
    chosen.set(clip.clip_id, value);
  }
  return chosen;
}

/** Waveform and mel spectrogram under one time axis. */
function picture(
  value: string,
  { samples, sample_rate, clip_id }: AudioRow,
  { n_fft, hop_length, n_mels }: { n_fft: number; hop_length: number; n_mels: number },
): string {
  const power = melspectrogram({ y: samples, sr: sample_rate, n_fft, hop_length, n_mels });
  const decibels = transpose(powerToDb(power, { ref: 'max' }));
  return clipPicture({
    title: `${value}: ${clip_id}`,
    seconds: samples.length / sample_rate,
    samples,
    matrices: [
      {
        name: 'mel spectrogram',
        values: decibels.data,
        rows: decibels.rows,
        columns: decibels.cols,
        yRange: [0, n_mels],
        yName: 'mel band',
        unit: 'dB',
      },
    ],
  });
}
