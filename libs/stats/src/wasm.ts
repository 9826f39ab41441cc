/**
 * A very small WebAssembly assembler: enough to write numeric loops over double-precision vectors as text.
 *
 * Why: JavaScript engines keep one double in a register, WebAssembly's 128-bit SIMD two, without bounds checks in
 * the inner loop; the products and rotations behind PCA gain a factor of 3 to 6. The result is as
 * deterministic as JavaScript (IEEE 754 throughout, no fused multiply-add), and nothing needs a compiler to build.
 *
 * Code is a list of bytes; the helpers below take operands as code and return code, so that an expression
 * reads inside out as in any language. Opcodes: WebAssembly Core Specification 2.0, section 5.4.
 */

export type Code = readonly number[];

type ValueType = 'i32' | 'f64' | 'v128';
const TYPES: Record<ValueType, number> = { i32: 0x7f, f64: 0x7c, v128: 0x7b };

/** A parameter or local variable of a function. */
export interface Local {
  readonly index: number;
}

/** A function under construction: parameters first, then as many locals as it asks for. */
export class FunctionBuilder {
  readonly name: string;
  readonly #parameters: ValueType[] = [];
  readonly #locals: ValueType[] = [];
  readonly #result: ValueType | undefined;
  #body: Code = [];

  constructor(name: string, result?: ValueType) {
    this.name = name;
    this.#result = result;
  }

  /** Declares the next parameter; all parameters come before the first local. */
  parameter(type: ValueType): Local {
    this.#parameters.push(type);
    return { index: this.#parameters.length - 1 };
  }

  local(type: ValueType): Local {
    this.#locals.push(type);
    return { index: this.#parameters.length + this.#locals.length - 1 };
  }

  vectors(count: number): Local[] {
    return Array.from({ length: count }, () => this.local('v128'));
  }

  body(...code: Code[]): this {
    this.#body = code.flat();
    return this;
  }

  signature(): Code {
    const results = this.#result ? [TYPES[this.#result]] : [];
    return [0x60, ...list(this.#parameters.map((type) => [TYPES[type]])), ...list(results.map((type) => [type]))];
  }

  code(): Code {
    const locals = list(this.#locals.map((type) => [1, TYPES[type]]));
    return sized([...locals, ...this.#body, 0x0b]);
  }
}

/** The bytes of a module that imports `env.memory` and exports the functions by name. */
export function assemble(functions: readonly FunctionBuilder[]): Uint8Array<ArrayBuffer> {
  const memoryImport = [...text('env'), ...text('memory'), 0x02, 0x00, 0x01];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, list(functions.map((f) => f.signature()))),
    ...section(2, list([memoryImport])),
    ...section(3, list(functions.map((_, index) => unsigned(index)))),
    ...section(7, list(functions.map((f, index) => [...text(f.name), 0x00, ...unsigned(index)]))),
    ...section(10, list(functions.map((f) => f.code()))),
  ]);
}

export const get = ({ index }: Local): Code => [0x20, ...unsigned(index)];
export const set = ({ index }: Local, value: Code): Code => [...value, 0x21, ...unsigned(index)];

/** Moves an address by a constant number of bytes. */
export const advance = (address: Local, bytes: number): Code =>
  set(address, [...get(address), 0x41, ...signed(bytes), 0x6a]);

export const sumAddresses = (a: Local, b: Local): Code => [...get(a), ...get(b), 0x6a];

/** Runs `body` once and then for as long as `address` differs from `end`. */
export const loopUntil = (address: Local, end: Local, ...body: Code[]): Code => [
  ...[0x03, 0x40],
  ...body.flat(),
  ...[...get(address), ...get(end), 0x47, 0x0d, 0x00],
  0x0b,
];

/** Vectors of two doubles; `offset` in bytes. */
export const load = (address: Local, offset = 0): Code => [...get(address), 0xfd, 0x00, 0x03, ...unsigned(offset)];
export const store = (address: Local, offset: number, value: Code): Code => [
  ...get(address),
  ...value,
  ...[0xfd, 0x0b, 0x03],
  ...unsigned(offset),
];
/** One double from memory, or from a variable, in both lanes. */
export const loadSplat = (address: Local, offset = 0): Code => [
  ...get(address),
  ...[0xfd, 0x0a, 0x03],
  ...unsigned(offset),
];
export const splat = (value: Code): Code => [...value, 0xfd, 0x14];
export const zero: Code = splat([0x44, 0, 0, 0, 0, 0, 0, 0, 0]);
export const plus = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xf0, 0x01];
export const minus = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xf1, 0x01];
export const times = (a: Code, b: Code): Code => [...a, ...b, 0xfd, 0xf2, 0x01];
/** The sum of both lanes, a double. */
export const sumLanes = (vector: Local): Code => [
  ...[...get(vector), 0xfd, 0x21, 0x00],
  ...[...get(vector), 0xfd, 0x21, 0x01],
  0xa0,
];

function unsigned(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const low = rest & 0x7f;
    rest >>>= 7;
    if (rest === 0) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    const low = rest & 0x7f;
    rest >>= 7;
    if ((rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0)) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

const sized = (code: Code): Code => [...unsigned(code.length), ...code];
const list = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];
const section = (id: number, code: Code): Code => [id, ...sized(code)];
const text = (name: string): Code => sized([...new TextEncoder().encode(name)]);
