/** Exports a finished run as a folder that predicts without the project. */
import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RequestError, messageOf } from '@prosodia/core';
import type { KeptRun } from '../compare-records.ts';
import { servedInputs } from '../host/serve.ts';
import type { Project } from '../project.ts';
import { hasCode } from '../store/files.ts';
import { exportCode } from './export-code.ts';
import { FEATURES_MJS, PREDICT_MJS, PREDICT_PY, modelCard, readme } from './export-texts.ts';
import { CONTRACT, type Contract } from './exported.ts';
import { Ear } from './hearing.ts';
import { servedFromStore } from './predict.ts';
import { type ServedRun, splitReference } from './served-run.ts';

export interface ExportOptions {
  /** Folder to make; it may exist if it is empty. Absolute. */
  to: string;
  /** As for {@link openPredictor}. */
  stage?: string | undefined;
}

export interface ExportReport {
  folder: string;
  members: string[];
  /** Instances whose models are in the folder. */
  models: string[];
}

/**
 * Writes models, transforms, code, contract, model card and examples. The folder appears whole or not at all.
 * @throws RequestError for a folder that is not empty or cannot be made, and for a run that cannot predict
 */
export async function exportRun(project: Project, run: KeptRun, options: ExportOptions): Promise<ExportReport> {
  const { to } = options;
  await requireEmpty(to);
  const served = await servedFromStore(project, run, options);
  const temporary = join(dirname(to), `.${basename(to)}-${randomUUID()}`);
  try {
    await mkdir(temporary, { recursive: true });
    const report = await write(project, run, served, temporary);
    await rmdir(to).catch(() => undefined);
    await rename(temporary, to);
    return { folder: to, ...report };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    if (!hasCode(error, 'EACCES', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENOTEMPTY', 'ENOENT')) throw error;
    throw new RequestError(
      { problem: 'the folder cannot be written', got: messageOf(error), where: to, fix: '--to another folder' },
      { cause: error },
    );
  }
}

async function requireEmpty(folder: string): Promise<void> {
  let found: string[];
  try {
    found = await readdir(folder);
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return;
    throw new RequestError(
      { problem: 'this is no folder to export to', got: messageOf(cause), where: folder, fix: '--to another folder' },
      { cause },
    );
  }
  if (found.length === 0) return;
  throw new RequestError({
    problem: 'the folder to export to is not empty',
    expected: 'a folder that is empty, or not there yet',
    got: found.slice(0, 5).join(', ') + (found.length > 5 ? ` and ${found.length - 5} more` : ''),
    where: folder,
    fix: '--to another folder, or remove this one',
  });
}

async function write(
  project: Project,
  run: KeptRun,
  served: ServedRun,
  folder: string,
): Promise<{ members: string[]; models: string[] }> {
  const instances = await upstream(served);
  const saved: Contract['saved'] = {};
  const models: Contract['models'] = {};
  for (const name of Object.keys(instances)) {
    const stage = await served.stage(instances[name]!.uses);
    for (const output of stage.serve?.learned ?? []) {
      const place = `saved/${name.replaceAll(/[^\w.=-]+/g, '_')}/${output}`;
      await cp(served.saved(name, output), join(folder, place), { recursive: true });
      saved[`${name}.${output}`] = place;
      if (stage.outputs[output]!.id !== 'model') continue;
      const { input, output: result } = JSON.parse(await readFile(join(folder, place, 'model.json'), 'utf8')) as Record<
        string,
        unknown
      >;
      models[name] = { file: `${place}/model.onnx`, input, output: result };
    }
  }
  const calibrates = await Promise.all(
    served.members.map(async (member) => {
      const stage = await served.stage(instances[splitReference(member).instance]!.uses);
      return stage.serve?.calibrates === true;
    }),
  );
  const { version } = JSON.parse(await readFile(join(project.root, 'package.json'), 'utf8')) as { version: string };
  const contract: Contract = {
    format: 1,
    made_by: `prosodia ${version}`,
    pipeline: served.pipeline,
    run: served.run,
    title: served.title,
    labels: [...served.labels],
    corpora: [...served.corpora],
    calibrated: calibrates.every((own) => own),
    window_s: (await Ear.of(served)).window_s,
    members: [...served.members],
    instances,
    saved,
    models,
  };
  const uses = [...new Set(Object.values(instances).map((own) => own.uses))].sort();
  const { packages } = await exportCode(project, uses, join(folder, 'lib'));
  const files = {
    [CONTRACT]: json(contract),
    'package.json': json({
      name: `${served.pipeline.toLowerCase().replaceAll(/[^a-z\d.-]+/g, '-')}-run-${served.run}`,
      private: true,
      type: 'module',
      engines: { node: '>=20.11' },
      dependencies: packages,
    }),
    // No package may fetch anything of its own, as that of ONNX Runtime does on some machines.
    '.npmrc': 'ignore-scripts=true\n',
    'README.md': readme(contract),
    'model_card.md': await card(run, served),
    'predict.mjs': PREDICT_MJS,
    'features.mjs': FEATURES_MJS,
    'predict.py': PREDICT_PY,
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  await cp(join(run.folder, 'metrics.json'), join(folder, 'metrics.json'), { dereference: true }).catch((error) => {
    if (!hasCode(error, 'ENOENT')) throw error;
  });
  return { members: [...served.members], models: Object.keys(models) };
}

/** The members and all that new rows pass before them, with the inputs by which they pass. */
async function upstream(served: ServedRun): Promise<Contract['instances']> {
  const found: Contract['instances'] = {};
  const visit = async (name: string): Promise<void> => {
    if (Object.hasOwn(found, name)) return;
    const { uses, with: params, from, seed } = served.instances[name]!;
    const inputs = servedInputs(await served.stage(uses)).map((input) => [input, from[input] ?? []] as const);
    for (const reference of inputs.flatMap(([, references]) => references)) {
      await visit(splitReference(reference).instance);
    }
    found[name] = { uses, with: params, from: Object.fromEntries(inputs), seed };
  };
  for (const member of served.members) await visit(splitReference(member).instance);
  return found;
}

async function card({ record, folder }: KeptRun, served: ServedRun): Promise<string> {
  const read = (name: string) => readFile(join(folder, name), 'utf8').catch(() => undefined);
  const metrics = JSON.parse((await read('metrics.json')) ?? '{}') as {
    checks?: { what: string; result: string; detail: string }[];
  };
  const facts = [
    `Run ${record.run} of \`${record.pipeline}\`, started ${record.started}, on ${record.device}, Node ${record.host.node}.`,
    `Variables: ${Object.entries(record.vars)
      .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
      .join(', ')}.`,
    `Predicted by ${served.members.map((member) => splitReference(member).instance).join(', ')}.`,
  ];
  if (served.members.length > 1) {
    facts.push(
      `The folder predicts with the mean of these ${served.members.length}; the figures above judge each on the rows ` +
        'that it had not seen, and say nothing of their mean.',
    );
  }
  return modelCard(record.title, {
    card: await read('model_card.md'),
    checks: metrics.checks ?? [],
    facts,
    corpora: served.corpora,
  });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
