/** The few pieces of HTML that pages with pictures are made of: reports, comparisons. */
import { escapeXml as escape } from '@prosodia/core';
import { PAGE_STYLE } from './page-style.ts';

import { plotStyle } from './theme.ts';

/** First cell of the row that stands for the judged predictions in tables that compare; it is set apart. */
export const OWN_ROW = 'This report';

/** What is HTML already. */
export class Markup {
  readonly html: string;
  constructor(html: string) {
    this.html = html;
  }
}

function markup(value: string | Markup): string {
  return value instanceof Markup ? value.html : escape(value);
}

export function section(heading: string, content: string): string {
  return `<section>\n<h2>${heading}</h2>\n${content}\n</section>`;
}

export function figure(svg: string, caption = ''): string {
  return `<figure tabindex="0">${svg}${caption ? `<figcaption>${caption}</figcaption>` : ''}</figure>`;
}

export function list(points: readonly string[]): string {
  return `<ul>${points.map((point) => `<li>${escape(point)}</li>`).join('')}</ul>`;
}

/** @param classes CSS class of each column, if any */
export function table(
  caption: string,
  header: readonly string[],
  rows: readonly (readonly (string | Markup)[])[],
  classes: readonly string[] = [],
): string {
  const attribute = (c: number) => (classes[c] ? ` class="${classes[c]}"` : '');
  const head = header.map((name, c) => `<th scope="col"${attribute(c)}>${escape(name)}</th>`).join('');
  const body = rows.map((row) => {
    const total = row[0] === OWN_ROW ? ' class="total"' : '';
    const cells = row.map((value, c) =>
      c === 0 && classes[0] !== 'id'
        ? `<th scope="row">${markup(value)}</th>`
        : `<td${attribute(c)}>${markup(value)}</td>`,
    );
    return `<tr${total}>${cells.join('')}</tr>`;
  });
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escape(caption)}"><table><caption><span>${escape(caption)}</span></caption><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`;
}

/**
 * A page that needs no other file, light or dark as its reader prefers.
 * @param title text
 * @param body HTML of its parts; empty ones are left out
 */
export function htmlPage(title: string, body: readonly string[]): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title>
<style>${PAGE_STYLE}${plotStyle()}</style>
</head>
<body>
<main>
${body.filter((part) => part !== '').join('\n')}
</main>
</body>
</html>
`;
}
