import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOT, runProbe, runStage } from './harness.ts';

const RAVDESS = join(ROOT, '../shared/ravdess-speech');
const absent = !existsSync(RAVDESS);

describe.skipIf(absent)(`RAVDESS speech${absent ? ' (skipped: ../shared/ravdess-speech is not here)' : ''}`, () => {
  it('lists the 1,440 recordings and says what is odd about them', async () => {
    const state = await runProbe({ root: ROOT, corpus: 'ravdess-speech', dataFolder: RAVDESS });
    expect(state!.description).toBe('1,440 recordings of ravdess-speech');
    const { rows, notices } = await runStage(state!, { corpus: 'ravdess-speech' });
    expect(rows).toHaveLength(1440);
    expect(new Set(rows.map((row) => row.speaker)).size).toBe(24);
    const byEmotion = new Map<string, number>();
    for (const { emotion } of rows) byEmotion.set(emotion, (byEmotion.get(emotion) ?? 0) + 1);
    expect(Object.fromEntries(byEmotion)).toEqual({
      neutral: 96,
      calm: 192,
      happy: 192,
      sad: 192,
      angry: 192,
      fearful: 192,
      disgust: 192,
      surprised: 192,
    });
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/^5 recordings with more than one channel/);
    expect(notices[1]).toMatch(/Actor_07\/03-01-03-01-02-01-07\.flac = Actor_07\/03-01-03-01-02-02-07\.flac$/);
  });
});
