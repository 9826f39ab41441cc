/** What a model says of its input, so that nobody feeds it other features; and which clips it has seen. */
import { DataError, LeakError, type Role } from '@prosodia/core';
import { readModel } from '@prosodia/nn';
import { type FeatureLayout, type FeatureReader, type FolderReader, type FolderWriter } from '@prosodia/tables';

/** The features a model was trained on: their names or shape, and the settings they were computed with. */
export interface FeatureContract {
  readonly layout: FeatureLayout;
  readonly settings: Readonly<Record<string, string>>;
}

export function featureContract({ layout, metadata }: FeatureReader): FeatureContract {
  return { layout, settings: metadata };
}

/** A model to start from. */
export interface Initial {
  readonly model: Uint8Array;
  /** Clips that it, or a model it started from, was trained or validated on. */
  readonly seen: ReadonlySet<string>;
}

/**
 * Reads a model to start from and checks that it speaks of the same things: same labels in the same order,
 * same features. That its network is the same is checked by the training itself.
 * @throws DataError
 */
export async function readInitial(
  folder: FolderReader,
  labels: readonly string[],
  contract: FeatureContract,
): Promise<Initial> {
  const model = await folder.bytes('model.onnx');
  const { metadata } = readModel(model);
  const differs = (what: string, theirs: string | undefined, mine: string): never => {
    throw new DataError({
      problem: `the model to start from was trained on other ${what}`,
      expected: theirs === undefined ? `a model that says its ${what}` : short(theirs),
      got: short(mine),
      where: folder.where,
    });
  };
  if (metadata['labels'] !== JSON.stringify(labels)) differs('labels', metadata['labels'], JSON.stringify(labels));
  const theirs = metadata['features'];
  const layout = theirs === undefined ? undefined : JSON.stringify((JSON.parse(theirs) as FeatureContract).layout);
  if (layout !== JSON.stringify(contract.layout)) differs('features', layout, JSON.stringify(contract.layout));
  const seen = await (await folder.table<{ clip_id: string }>('seen')).all(['clip_id']);
  return { model, seen: new Set(seen.map(({ clip_id }) => clip_id)) };
}

/** Keeps the clips a model has seen, in order of their ids. */
export async function writeSeen(folder: FolderWriter, clips: Iterable<string>): Promise<void> {
  const table = await folder.table<{ clip_id: string }>('seen', {
    columns: [{ name: 'clip_id', type: 'utf8' }],
    metadata: {},
  });
  for (const clip_id of [...new Set(clips)].sort()) await table.append({ clip_id });
}

/** Throws a LeakError if a clip to be tested on was seen before, be it by a model that this one started from. */
export function refuseSeen(roles: ReadonlyMap<string, Role>, seen: ReadonlySet<string>, where: string): void {
  const leaked = [...roles].flatMap(([clip, role]) => (role === 'test' && seen.has(clip) ? [clip] : []));
  if (leaked.length === 0) return;
  throw new LeakError({
    problem: 'the model to start from has been trained or validated on test clips',
    got: `${leaked.length} of them, such as ${leaked[0]!}`,
    where,
    fix: 'start from a model trained under the same split and fold, or on another corpus',
  });
}

function short(text: string): string {
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}
