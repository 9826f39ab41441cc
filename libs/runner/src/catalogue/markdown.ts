/** The reference pages of stages and artifacts, made from the definitions so that they cannot go stale. */
import type { Catalogue, KindInfo, StageInfo } from './info.ts';

const NOTE = '<!-- Made by `npx prosodia generate` from the stage definitions; edit those. -->';

interface ParamSchema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  anyOf?: ParamSchema[];
  enum?: unknown[];
  const?: unknown;
  items?: ParamSchema;
  properties?: Record<string, ParamSchema>;
}

/** `docs/stages.md` */
export function stagesPage(catalogue: Catalogue): string {
  const stages = [...catalogue.values()];
  const list = stages.map(({ name, summary }) => `- [\`${name}\`](#${name}): ${summary}`);
  return [NOTE, '', '# Stages', '', ...list, '', ...stages.flatMap(stageSection)].join('\n');
}

/** `docs/artifacts.md` */
export function artifactsPage(catalogue: Catalogue): string {
  const kinds = new Map<string, KindInfo>();
  for (const { outputs } of catalogue.values()) for (const { kind } of outputs) kinds.set(kind.id, kind);
  const sections = [...kinds.values()]
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .flatMap(({ id, summary, columns }) => [
      `## ${id}`,
      '',
      summary,
      '',
      ...(columns.length > 0
        ? [
            '| column | type | unit | what |',
            '| --- | --- | --- | --- |',
            ...columns.map(
              ({ name, type, unit = '', summary }) => `| ${code(name)} | ${type} | ${unit} | ${escape(summary)} |`,
            ),
            '',
          ]
        : []),
    ]);
  return [
    NOTE,
    '',
    '# Artifacts',
    '',
    "Tables are folders of Parquet part files, so `read_parquet('folder/*.parquet')` reads one. Every row carries",
    '`clip_id`, which leads back to a recording.',
    '',
    ...sections,
  ].join('\n');
}

function stageSection(stage: StageInfo): string[] {
  const arity = { one: '', optional: ', optional', many: ', any number' };
  const inputs = stage.inputs.map(({ name, kind, arity: how }) => `\`${name}\` (${kind.id}${arity[how]})`);
  const outputs = stage.outputs.map(({ name, kind }) => `\`${name}\` (${kind.id})`);
  const facts = [
    ...(stage.fits ? ['learns from training rows only'] : []),
    ...(stage.seeded ? ['depends on the seed'] : []),
    ...(stage.device ? ['depends on the device class'] : []),
  ];
  const params = Object.entries(stage.params.properties as Record<string, ParamSchema>);
  return [
    `## ${stage.name}`,
    '',
    stage.summary,
    '',
    ...(stage.details ? [stage.details.trim(), ''] : []),
    `- from: ${inputs.join(', ') || 'nothing'}`,
    `- gives: ${outputs.join(', ')}`,
    ...(facts.length > 0 ? [`- ${facts.join('; ')}`] : []),
    '',
    ...(params.length > 0
      ? [
          '| parameter | type | default | what |',
          '| --- | --- | --- | --- |',
          ...params.map(
            ([name, schema]) =>
              `| ${code(name)} | ${escape(typeOf(schema))} | ${'default' in schema ? code(shorten(JSON.stringify(schema.default))) : ''} | ${escape(schema.description ?? '')} |`,
          ),
          '',
        ]
      : []),
  ];
}

function typeOf(schema: ParamSchema): string {
  if (schema.anyOf) return [...new Set(schema.anyOf.map(typeOf))].join(' | ');
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') return schema.items ? `list of ${typeOf(schema.items)}` : 'list';
  if (schema.properties && Object.keys(schema.properties).length === 1) return Object.keys(schema.properties)[0]!;
  return Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any');
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``;
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
