/** What the models behind the predictions say of themselves, and how their training went. */
import { readdir } from 'node:fs/promises';
import type { ManyItem } from '@prosodia/core';
import type { EpochRow, FolderReader } from '@prosodia/tables';

export interface ModelFacts {
  from: string;
  kind: string;
  parameters?: number;
  best_epoch?: number;
  /** Undefined for models that are not trained in epochs. */
  history?: readonly EpochRow[];
}

interface ModelJson {
  kind: string;
  parameters?: number;
  best_epoch?: number;
}

export async function describeModels(models: readonly ManyItem<FolderReader>[]): Promise<ModelFacts[]> {
  return Promise.all(
    models.map(async ({ from, artifact }) => {
      const { kind, parameters, best_epoch } = await artifact.json<ModelJson>('model.json');
      const hasHistory = (await readdir(artifact.folder)).includes('history');
      const history = hasHistory ? await (await artifact.table<EpochRow>('history')).all() : [];
      return {
        from,
        kind,
        ...(typeof parameters === 'number' ? { parameters } : {}),
        ...(typeof best_epoch === 'number' ? { best_epoch } : {}),
        ...(history.length > 0 ? { history } : {}),
      };
    }),
  );
}
