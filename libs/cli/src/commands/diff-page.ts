/** The page of a comparison, completed with what only the runs know: how they were made. */
import { RUN_MARK, escapeXml as escape } from '@prosodia/core';

export interface Facts {
  names: readonly [string, string];
  /** In words. */
  variables: readonly string[];
  stages: readonly string[];
  metrics: readonly { metric: string; a: number | null; b: number | null }[];
}

export function completePage(page: string, { names, variables, stages, metrics }: Facts): string {
  const list = (points: readonly string[], none: string) =>
    points.length > 0
      ? `<ul>${points.map((point) => `<li>${escape(point)}</li>`).join('')}</ul>`
      : `<p class="muted">${none}</p>`;
  const rows = metrics.map(({ metric, a, b }) => [
    metric,
    a?.toFixed(4) ?? '',
    b?.toFixed(4) ?? '',
    a === null || b === null ? '' : `${b < a ? '−' : '+'}${Math.abs(b - a).toFixed(4)}`,
  ]);
  const head = ['Metric', ...names, 'Difference'].map((name) => `<th scope="col">${escape(name)}</th>`).join('');
  const body = rows.map(
    ([first, ...rest]) =>
      `<tr><th scope="row">${escape(first!)}</th>${rest.map((cell) => `<td>${cell}</td>`).join('')}</tr>`,
  );
  const table = `<details><summary>Every number that the stages report</summary><div class="scroll" tabindex="0" role="region" aria-label="Metrics"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div></details>`;
  return page.replace(
    RUN_MARK,
    () =>
      `<section>\n<h2>What differs between the runs</h2>\n<h3>Variables</h3>${list(variables, 'All equal.')}<h3>Stages</h3>${list(stages, 'Parameters, code and data are equal.')}${rows.length > 0 ? table : ''}\n</section>`,
  );
}
