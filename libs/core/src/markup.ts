/**
 * What everyone who writes a page or a picture shares: text made safe for it, and the place in a page that is left
 * for what only a run knows.
 */

/** Control characters but tab and line ends: XML 1.0 does not allow them, not even escaped. */
const NOT_IN_XML = /[^\P{Cc}\t\n\r]/gu;

/** Text that is safe between tags and inside double-quoted attributes, in SVG and in HTML. */
export function escapeXml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replace(NOT_IN_XML, '\uFFFD');
}

/**
 * Where a page is completed with what is no part of the artifact, since that is the same wherever it is computed:
 * parameters, times and the machine of a run, or how two runs differ. A stage writes it, the runner or a command
 * puts its sections in this place.
 */
export const RUN_MARK = '<!-- prosodia:run -->';
