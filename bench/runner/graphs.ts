/**
 * The same graph for every tool: columns of stages, each taking the text of the one above it and adding a letter.
 *
 * What a stage does costs nothing, so that what is left is the tool's own work: the peers' stages are one line of
 * shell, ours are real stages with checked parameters.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const COLUMNS = 10;
export const ROWS = 20;

const nameOf = (column: number, row: number): string => `s_${column}_${row}`;

function forEachStage(visit: (name: string, above: string | undefined) => void): void {
  for (let row = 0; row < ROWS; row++) {
    for (let column = 0; column < COLUMNS; column++) {
      visit(nameOf(column, row), row === 0 ? undefined : nameOf(column, row - 1));
    }
  }
}

/** For ours, with the stages of the tests' toy project. */
export function writePipeline(file: string): void {
  const lines = ['name: columns', 'stages:'];
  forEachStage((name, above) => {
    lines.push(
      above === undefined
        ? `  ${name}: { uses: write, with: { text: ${name} } }`
        : `  ${name}: { uses: upper, from: { text: ${above} }, with: { suffix: x } }`,
    );
  });
  writeFileSync(file, `${lines.join('\n')}\n`);
}

export function writeDvc(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const lines = ['stages:'];
  forEachStage((name, above) => {
    const command = above === undefined ? `echo ${name} > ${name}` : `(cat ${above}; echo x) > ${name}`;
    lines.push(`  ${name}:`, `    cmd: "${command}"`);
    if (above !== undefined) lines.push(`    deps: [${above}]`);
    lines.push(`    outs: [${name}]`);
  });
  writeFileSync(join(folder, 'dvc.yaml'), `${lines.join('\n')}\n`);
}

export function writeSnakemake(folder: string): void {
  mkdirSync(folder, { recursive: true });
  const last = Array.from({ length: COLUMNS }, (_, column) => nameOf(column, ROWS - 1));
  const lines = ['rule all:', `    input: ${last.map((name) => `"${name}"`).join(', ')}`, ''];
  forEachStage((name, above) => {
    lines.push(`rule ${name}:`);
    if (above !== undefined) lines.push(`    input: "${above}"`);
    lines.push(`    output: "${name}"`);
    lines.push(
      `    shell: "${above === undefined ? `echo ${name} > {output}` : '(cat {input}; echo x) > {output}'}"`,
      '',
    );
  });
  writeFileSync(join(folder, 'Snakefile'), lines.join('\n'));
}
