/** `prosodia stages`: what stages there are; with a name, everything about one. */
import { RequestError, nearest } from '@prosodia/core';
import type { StageInfo } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { columns, styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';

export const stages: Command = {
  name: 'stages',
  usage: '[stage]',
  summary: 'Lists the stages, or documents one: parameters, inputs, outputs.',
  positionals: 1,
  options: { json: { type: 'flag', summary: 'as JSON on stdout' } },
  run(args, context) {
    const { catalogue } = context.project();
    const [name] = args.positionals;
    const json = args.flags.has('json');
    if (name === undefined) {
      const all = [...catalogue.values()];
      context.out.write(
        json ? `${JSON.stringify(all)}\n` : `${columns(all.map((stage) => [stage.name, stage.summary]))}\n`,
      );
      return Promise.resolve(EXIT.done);
    }
    const stage = catalogue.get(name);
    if (!stage) {
      const near = nearest(name, catalogue.keys());
      throw new RequestError({
        problem: `there is no stage ${name}`,
        expected: `one of: ${[...catalogue.keys()].join(', ')}`,
        ...(near ? { fix: `did you mean ${near}?` } : {}),
      });
    }
    context.out.write(json ? `${JSON.stringify(stage)}\n` : describe(stage, context.out));
    return Promise.resolve(EXIT.done);
  },
};

interface ParamSchema {
  type?: string;
  description?: string;
  default?: unknown;
  anyOf?: ParamSchema[];
  const?: unknown;
  items?: ParamSchema;
}

function describe(stage: StageInfo, stream: { isTTY?: boolean }): string {
  const { bold, dim } = styleFor(stream);
  const properties = Object.entries(stage.params.properties as Record<string, ParamSchema>);
  const required = new Set<string>((stage.params.required as string[] | undefined) ?? []);
  const lines = [`${bold(stage.name)}  ${stage.summary}`];
  if (stage.details) lines.push('', stage.details.trim());
  lines.push('', bold('inputs (from)'));
  const arity = { one: '', optional: ' (optional)', many: ' (any number)' };
  const inputs = stage.inputs.map((input) => [
    `  ${input.name}`,
    `${input.kind.id}${arity[input.arity]}`,
    dim(input.kind.summary),
  ]);
  lines.push(inputs.length > 0 ? columns(inputs) : '  (none)', '', bold('outputs'));
  lines.push(columns(stage.outputs.map((output) => [`  ${output.name}`, output.kind.id, dim(output.kind.summary)])));
  lines.push('', bold('parameters (with)'));
  const params = properties.map(([name, schema]) => [
    `  ${name}`,
    typeOf(schema),
    'default' in schema ? `= ${JSON.stringify(schema.default)}` : required.has(name) ? 'needed' : '',
    schema.description ?? '',
  ]);
  lines.push(params.length > 0 ? columns(params) : '  (none)');
  const facts = [
    stage.fits ? 'learns from training rows only' : '',
    stage.seeded ? 'its result depends on the seed' : '',
    stage.device ? 'its result depends on the device class' : '',
  ].filter(Boolean);
  if (facts.length > 0) lines.push('', ...facts.map((fact) => dim(fact)));
  return `${lines.join('\n')}\n`;
}

function typeOf(schema: ParamSchema): string {
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === 'array') {
    const item = schema.items ? typeOf(schema.items) : 'any';
    return item.includes(' | ') ? `(${item})[]` : `${item}[]`;
  }
  return schema.type ?? 'any';
}
