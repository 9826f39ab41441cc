/** One line of CSV, by RFC 4180. */

/**
 * @param values text, numbers, booleans; null and undefined are empty fields, a Float32Array is a field per number
 * @returns fields with commas between and CRLF at the end
 */
export function csvLine(values: readonly unknown[]): string {
  return `${values.flatMap((value) => (value instanceof Float32Array ? Array.from(value, shortest) : [field(value)])).join(',')}\r\n`;
}

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** The shortest decimal that is read back as the same float32; nine digits always are. */
export function shortest(value: number): string {
  for (const digits of [6, 7, 8]) {
    const text = String(Number(value.toPrecision(digits)));
    if (Math.fround(Number(text)) === Math.fround(value)) return text;
  }
  return String(Number(value.toPrecision(9)));
}
