/** `prosodia graph`: a pipeline drawn in the terminal, as a picture, or as data. */
import { formatCount } from '@prosodia/core';
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { statusOf } from '@prosodia/runner';
import { EXIT } from '../exit.ts';
import { type GraphNode, graphOf } from '../graph/model.ts';
import { drawRails } from '../graph/rails.ts';
import { graphSvg } from '../graph/svg.ts';
import { styleFor } from '../ui/style.ts';
import type { Command } from './command.ts';
import { VARIABLE_OPTIONS, pipelineArgument, planFor } from './overrides.ts';

export const graph: Command = {
  name: 'graph',
  usage: '<pipeline> [--NAME=VALUE ...]',
  summary: 'Draws the stages of a pipeline, and says which of them would run.',
  positionals: 1,
  options: {
    ...VARIABLE_OPTIONS,
    svg: { type: 'value', summary: 'write a picture', placeholder: 'FILE' },
    expand: { type: 'flag', summary: 'every instance of a stage that fans out' },
    json: { type: 'flag', summary: 'as JSON on stdout' },
  },
  openEnded: true,
  async run(args, context) {
    const project = context.project({ data: args.values.get('data') });
    const pipeline = pipelineArgument(args, 'graph <pipeline>');
    const plan = await planFor(project, pipeline, args, graph.options, context.cwd);
    const nodes = graphOf(plan, await statusOf(project, plan), args.flags.has('expand'));
    const file = args.values.get('svg');
    if (file !== undefined) {
      await writeFile(resolve(context.cwd, file), graphSvg(plan.title, nodes));
      context.err.write(`${file}\n`);
    }
    if (args.flags.has('json')) context.out.write(`${JSON.stringify({ pipeline: plan.name, nodes })}\n`);
    else if (file === undefined) context.out.write(`${drawn(nodes, context.out)}\n`);
    return EXIT.done;
  },
};

function drawn(nodes: readonly GraphNode[], stream: { isTTY?: boolean }): string {
  const { bold, dim, green, yellow } = styleFor(stream);
  const shown = { cached: green('cached'), run: yellow('would run'), maybe: dim('may run') };
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return drawRails(nodes)
    .map(({ rails, node: name }) => {
      const node = name === undefined ? undefined : byName.get(name);
      if (!node) return rails;
      const { count, axes, uses, status } = node;
      const times = count === 1 ? '' : ` × ${count === undefined ? '?' : formatCount(count)}`;
      const over = axes.length > 0 ? ` over ${axes.join(', ')}` : '';
      return `${rails}  ${bold(node.name)}${times}  ${dim(`${uses}${over}`)}  ${shown[status]}`;
    })
    .join('\n');
}
