/** The few pieces of HTML that the report is made of. */
import { escapeXml as escape } from '@prosodia/plots';

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
