import { describe, expect, it } from 'vitest';
import { describeStage, useWorkbench } from '@prosodia/runner/conformance';
import stage from './stage.ts';

interface Given {
  uar?: number;
  shared?: number;
  support?: number;
  corpus?: string;
  title?: string;
}

/** metrics.json as `evaluate` writes it, as far as this stage reads it. */
function metricsOf({ uar = 0.5, shared = 0, support = 100, corpus = 'lab', title = 'A model' }: Given) {
  const headline = { accuracy: uar + 0.01, balanced_accuracy: uar, macro_f1: uar - 0.01 };
  return {
    title,
    synthetic: corpus === 'demo',
    ...headline,
    support,
    ece: 0.1,
    per_class: { happy: { recall: 0.25 }, sad: { recall: 0.75 } },
    ci: { level: 0.95, unit: 'speaker', accuracy: null, balanced_accuracy: [uar - 0.1, uar + 0.1], macro_f1: null },
    by_fold: { 0: headline, 1: headline },
    baselines: { majority: { name: 'Most frequent class', accuracy: 0.2 } },
    protocol: {
      corpora: [corpus],
      role: 'test',
      folds: [0, 1],
      judged: { speakers: 4 },
      split: { shared_speakers: shared },
    },
    selection_rows: { accuracy: 0.9, balanced_accuracy: 0.9, macro_f1: 0.9 },
    source: { name: 'The paper', accuracy: 0.8 },
  };
}

const reportOf = (metrics: object) => (writer: { json(name: string, value: unknown): Promise<void> }) =>
  writer.json('metrics.json', metrics);

describeStage(stage, {
  fixture: (clips) => ({
    inputs: {
      reports: Object.fromEntries(
        clips
          .slice(0, 4)
          .map(({ clip_id }, i) => [`run/${i}`, reportOf(metricsOf({ uar: 0.4 + i / 10, title: clip_id }))]),
      ),
    },
  }),
  // It reads reports, not rows; the fixture makes one of each clip.
  empty: 'refused',
  one_row: 'works',
});

describe('an overview', () => {
  const bench = useWorkbench();
  const show = async (given: Record<string, object>, about = {}) => {
    const reports = Object.fromEntries(Object.entries(given).map(([name, metrics]) => [name, reportOf(metrics)]));
    const { outputs } = await bench.run(stage, { params: { about }, inputs: { reports } });
    return new TextDecoder().decode(await outputs.report.bytes('overview.html'));
  };
  const sections = (html: string) => [...html.matchAll(/<h2>(.*?)<\/h2>/g)].map(([, heading]) => heading);

  it('keeps apart what was judged differently: unheard voices first, synthetic speech last', async () => {
    const html = await show({
      synthetic: metricsOf({ corpus: 'demo' }),
      heard: metricsOf({ shared: 4 }),
      new: metricsOf({}),
      few: metricsOf({ support: 20 }),
    });
    expect(sections(html).slice(0, 4)).toEqual([
      'lab: voices not heard in training, 100 recordings in 2 folds',
      'lab: voices not heard in training, 20 recordings in 2 folds',
      'lab: voices that were heard in training, 100 recordings in 2 folds',
      'demo: voices not heard in training, 100 recordings in 2 folds',
    ]);
    expect(html).toContain('SYNTHETIC DATA');
  });

  it('lists the highest UAR first, with its interval, the source, and what the rows that chose would claim', async () => {
    const html = await show({ low: metricsOf({ uar: 0.4 }), high: metricsOf({ uar: 0.6 }) });
    expect(html.indexOf('>high<')).toBeLessThan(html.indexOf('>low<'));
    expect(html).toMatch(/60\.0\s% \(50\.0 to 70\.0\)/);
    expect(html).toMatch(/The paper reports an accuracy of 80\.0\s%, here it is 61\.0\s%\./);
    expect(html).toMatch(/validation rows that chose its epoch the accuracy is 90\.0\s%; that is no result/);
  });

  it('shows what is known of a run, and lets nothing through that would be read as HTML', async () => {
    const about = {
      'a<b': { command: 'run "x" && y', started: '2026-01-02T03:04:05Z', seconds: 600, page: '../x.html' },
    };
    const html = await show({ 'a<b': metricsOf({ title: '<script>' }) }, about);
    expect(html).toContain('<a href="../x.html">a&lt;b</a>');
    expect(html).toContain('run &quot;x&quot; &amp;&amp; y');
    expect(html).toContain('10 min');
    expect(html).not.toContain('<script');
  });

  it('refuses a report that judges no recordings', async () => {
    await expect(show({ table: { lines: [] } })).rejects.toThrow(
      /no report of recordings that were judged[^]*evaluate/,
    );
  });
});
