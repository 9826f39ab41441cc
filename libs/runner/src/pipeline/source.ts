/**
 * A YAML text that remembers where everything stands, so that errors can point at it.
 *
 * Paths into the document are arrays of keys, as in `['stages', 'pca', 'with', 'n_components']`.
 */
import { type Document, LineCounter, type Node, type Pair, isMap, isNode, isScalar, isSeq, parseDocument } from 'yaml';
import { type ErrorParts, RequestError, messageOf } from '@prosodia/core';

export type YamlPath = readonly (string | number)[];

export class YamlSource {
  /** As shown in messages, for example `pipelines/ensemble.yaml`. */
  readonly name: string;
  readonly text: string;
  readonly #document: Document.Parsed;
  readonly #lines = new LineCounter();

  /** @throws RequestError if the text is not YAML, or holds a duplicate key */
  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, merge: true });
    const error = this.#document.errors[0];
    if (error) {
      throw this.#error(error.pos[0], {
        problem: `not valid YAML: ${error.message}`,
        expected: error.code === 'DUPLICATE_KEY' ? 'each key once in a map' : 'YAML 1.2',
        got: text.slice(error.pos[0]).split(/\r?\n/, 1)[0]!.trim() || 'the end of the line',
        fix: 'check indentation, colons and quotes around this place',
      });
    }
  }

  /**
   * The whole document as plain values.
   * @throws RequestError for aliases without an anchor, or that multiply beyond measure
   */
  toJS(): unknown {
    try {
      return this.#document.toJS() as unknown;
    } catch (cause) {
      throw new RequestError({ problem: `not valid YAML: ${messageOf(cause)}`, where: this.name }, { cause });
    }
  }

  /** An error that points at the value (or, with `at: 'key'`, the key) at `path`. */
  error(path: YamlPath, parts: ErrorParts, at: 'value' | 'key' = 'value'): RequestError {
    return this.#error(this.#offset(path, at), parts);
  }

  /** `file:line:column` of the value at `path`. */
  place(path: YamlPath): string {
    const { line, col } = this.#position(this.#offset(path, 'value'));
    return `${this.name}:${line}:${col}`;
  }

  /** An empty text has no lines for the counter, but a beginning all the same. */
  #position(offset: number): { line: number; col: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), col: Math.max(1, col) };
  }

  #error(offset: number, parts: ErrorParts): RequestError {
    const { line, col } = this.#position(offset);
    const shown = this.text.split(/\r?\n/)[line - 1] ?? '';
    // A tab before the caret stays one, so that the caret comes to stand below the place.
    const indent = shown.slice(0, col - 1).replace(/[^\t]/g, ' ');
    const frame = `\n  ${String(line).padStart(4)} | ${shown}\n       | ${indent}^`;
    return new RequestError({ ...parts, problem: parts.problem + frame, where: `${this.name}:${line}:${col}` });
  }

  /** Offset of the deepest node on `path` that exists. */
  #offset(path: YamlPath, at: 'value' | 'key'): number {
    let node: unknown = this.#document.contents;
    let offset = offsetOf(node) ?? 0;
    path.forEach((step, depth) => {
      const last = depth === path.length - 1;
      if (isMap(node)) {
        const pair = node.items.find((item: Pair) => (isScalar(item.key) ? item.key.value : item.key) === step);
        if (!pair) {
          node = undefined;
          return;
        }
        node = pair.value;
        const keyed = (last && at === 'key') || !isNode(node) || offsetOf(node) === undefined;
        offset = offsetOf(keyed ? pair.key : node) ?? offset;
      } else if (isSeq(node)) {
        node = node.items[Number(step)];
        offset = offsetOf(node) ?? offset;
      }
    });
    return offset;
  }
}

function offsetOf(node: unknown): number | undefined {
  return isNode(node) ? (node as Node).range?.[0] : undefined;
}
