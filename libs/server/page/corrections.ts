/** Corrected labels as the table that `ingest` reads: path, speaker, emotion. */

export interface Correction {
  /** Name of the recording, beside which the table is put. */
  path: string;
  speaker: string;
  emotion: string;
}

/** The table, a line for each recording; the last correction of a recording counts. */
export function correctionsCsv(corrections: readonly Correction[]): string {
  const rows = new Map(corrections.map((row) => [row.path, row]));
  const lines = [...rows.values()].map(({ path, speaker, emotion }) => [path, speaker, emotion].map(field).join(','));
  return ['path,speaker,emotion', ...lines, ''].join('\n');
}

/** Quoted where the separator, a quote or the end of a line is in it, RFC 4180. */
function field(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
