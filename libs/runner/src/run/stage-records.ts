/** What a run notes of each of its stages. */
import type { Instance } from '../pipeline/plan.ts';
import type { KeyParts, Manifest } from '../store/manifest.ts';
import type { StageRecord } from './record.ts';

/** Lines of a stage's output kept for its log. */
const KEPT_LINES = 1000;

export function doneRecord(
  instance: Instance,
  parts: KeyParts,
  manifest: Manifest,
  how: Pick<StageRecord, 'status' | 'reason' | 'seconds'>,
): StageRecord {
  return {
    stage: instance.name,
    uses: instance.stage.name,
    ...how,
    computed_seconds: manifest.seconds,
    key: manifest.key,
    parts,
    outputs: Object.fromEntries(
      Object.entries(manifest.outputs).map(([name, { kind, digest, bytes }]) => [name, { kind, digest, bytes }]),
    ),
    metrics: manifest.metrics,
    notices: manifest.notices,
    peak_memory_bytes: manifest.peak_memory_bytes,
  };
}

export function skippedRecord(stage: string, uses: string): StageRecord {
  return { stage, uses, status: 'skipped', reason: 'the run stopped before it', seconds: 0 };
}

/** The last lines that the process of each stage printed. */
export class Printed {
  readonly lines = new Map<string, string[]>();

  add(stage: string, line: string): void {
    const lines = this.lines.get(stage) ?? [];
    lines.push(line);
    if (lines.length > KEPT_LINES) lines.shift();
    this.lines.set(stage, lines);
  }
}
