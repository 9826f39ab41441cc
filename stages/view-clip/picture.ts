/** What is drawn of an item: its sound, and its features where they lie on a time axis. */
import {
  type Matrix,
  magnitude,
  powerSpectrogram,
  powerToDb,
  rms,
  spectralBandwidth,
  spectralCentroid,
  spectralFlatness,
  spectralRolloff,
  transpose,
  zeroCrossingRate,
} from '@prosodia/dsp';
import { type ClipMatrix, type ClipTrack, barChart, clipPicture } from '@prosodia/plots';
import type { AudioRow, FeatureLayout, FeatureMetadata, ItemRow } from '@prosodia/tables';

export interface SeenFeatures {
  item: ItemRow;
  layout: FeatureLayout;
  metadata: FeatureMetadata;
  values: Float32Array;
  padding?: number;
}

export interface PictureOptions {
  tracks: readonly string[];
  n_fft: number;
  hop_length: number;
}

interface Sound {
  y: Float32Array;
  sr: number;
  power: Matrix;
  frames: { frame_length: number; hop_length: number };
}

const tracks: Record<string, (sound: Sound) => Matrix> = {
  rms: ({ y, frames }) => rms({ y, ...frames }),
  zcr: ({ y, frames }) => zeroCrossingRate(y, frames),
  centroid: ({ power, sr }) => spectralCentroid({ S: magnitude(power), sr }),
  bandwidth: ({ power, sr }) => spectralBandwidth({ S: magnitude(power), sr }),
  rolloff: ({ power, sr }) => spectralRolloff({ S: magnitude(power), sr }),
  flatness: ({ power }) => spectralFlatness({ S: magnitude(power) }),
};

export const TRACK_NAMES = Object.keys(tracks);

const UNITS: Record<string, string> = { centroid: 'Hz', bandwidth: 'Hz', rolloff: 'Hz' };

/** Bars that fit a page. */
const MOST_BARS = 40;

/** The picture as SVG; undefined for an item without anything to draw. */
export function drawClip(
  item: ItemRow,
  audio: AudioRow | undefined,
  features: SeenFeatures | undefined,
  options: PictureOptions,
): string | undefined {
  const title = item.augmentation === null ? item.item_id : `${item.item_id} (${item.augmentation})`;
  const matrices = features ? heatMaps(features) : [];
  if (audio && audio.samples.length > 0) {
    const { samples, sample_rate: sr } = audio;
    const { n_fft, hop_length } = options;
    const power = powerSpectrogram(samples, { n_fft, hop_length });
    const decibels = transpose(powerToDb(power, { ref: 'max' }));
    const spectrogram: ClipMatrix = {
      name: 'spectrogram',
      values: decibels.data,
      rows: decibels.rows,
      columns: decibels.cols,
      yRange: [0, sr / 2],
      yName: 'Hz',
      unit: 'dB',
    };
    const sound = { y: samples, sr, power, frames: { frame_length: n_fft, hop_length } };
    const lines = options.tracks.flatMap((name): ClipTrack[] => {
      const compute = Object.hasOwn(tracks, name) ? tracks[name] : undefined;
      if (!compute) return [];
      return [{ name: UNITS[name] ? `${name} (${UNITS[name]})` : name, values: compute(sound).data }];
    });
    const samplesSeconds = samples.length / sr;
    // Features of a fixed length may last longer than the clip, or not as long.
    const seconds = Math.max(samplesSeconds, ...matrices.map((matrix) => matrix.seconds ?? 0));
    const shown = [{ ...spectrogram, seconds: samplesSeconds }, ...matrices];
    return clipPicture({ title, seconds, samples, samplesSeconds, matrices: shown, tracks: lines });
  }
  if (!features) return undefined;
  if (matrices.length > 0) return clipPicture({ title, seconds: matrices[0]!.seconds ?? 1, matrices });
  return features.layout.form === 'scalars' ? bars(title, features, options.tracks) : undefined;
}

/** One heat map per channel of features with a frame axis. */
function heatMaps({ layout, metadata, values, padding = 0 }: SeenFeatures): ClipMatrix[] {
  if (layout.form === 'scalars' || !layout.axes.includes('frame')) return [];
  const { shape, axes } = layout;
  const place = (axis: string) => axes.indexOf(axis);
  const [frames, bands] = [shape[place('frame')]!, shape[place('band')]!];
  const channels = place('channel') < 0 ? 1 : shape[place('channel')]!;
  const note = padding > 0 ? `, ${Math.round(100 * padding)} % padding` : '';
  const named = metadata['bands'] === undefined ? undefined : (JSON.parse(metadata['bands']) as string[] | string[][]);
  return Array.from({ length: channels }, (_, channel) => {
    const own = new Float32Array(frames * bands);
    for (let band = 0; band < bands; band++) {
      for (let frame = 0; frame < frames; frame++) {
        const at =
          channels === 1 && axes[0] === 'frame' ? frame * bands + band : (band * frames + frame) * channels + channel;
        own[band * frames + frame] = values[at]!;
      }
    }
    const list = named && Array.isArray(named[0]) ? (named as string[][])[channel] : (named as string[] | undefined);
    const groups = [...new Set(list?.map((name) => name.replace(/_\d+$/, '')))].join(' + ');
    const name = [channels > 1 ? `channel ${channel}` : 'features', groups].filter(Boolean).join(': ');
    return {
      name: `${name}${note}`,
      values: own,
      rows: bands,
      columns: frames,
      yRange: [0, bands],
      yName: 'band',
      seconds: secondsOf(metadata, frames),
    };
  });
}

/** How long frames last. */
function secondsOf(metadata: FeatureMetadata, frames: number): number {
  const [hop, rate] = [Number(metadata['hop_length']), Number(metadata['sample_rate'])];
  return hop > 0 && rate > 0 ? (frames * hop) / rate : frames;
}

function bars(title: string, { layout, values }: SeenFeatures, wanted: readonly string[]): string | undefined {
  if (layout.form !== 'scalars') return undefined;
  const all = layout.names.map((label, i) => ({ label, value: values[i]! }));
  const chosen = all.filter(({ label }) => wanted.some((prefix) => label.startsWith(prefix)));
  const shown = (chosen.length > 0 ? chosen : all).slice(0, MOST_BARS);
  if (shown.length === 0) return undefined;
  return barChart({
    title,
    bars: shown,
    valueName: 'value',
    format: (value) => Number(value.toPrecision(4)).toString(),
  });
}
