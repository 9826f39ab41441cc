/**
 * A small WebAssembly assembler: expressions in, a module's bytes out.
 *
 * Why not plain TypeScript: V8 runs these loops two to six times slower than 128-bit SIMD, which JavaScript
 * cannot reach. Why not a compiler: the kernels are a few loops, and made here at start-up they need no build
 * step, no binary in the repository and no native add-on, and run wherever WebAssembly does.
 *
 * An expression is a type and the bytes that push its value; a kernel's body appends statements. Numbers in
 * hexadecimal are opcodes of the WebAssembly core specification 2.0, section 5.4.
 */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

export interface Expr {
  readonly type: ValueType;
  readonly code: readonly number[];
}

/** A local variable of a kernel. */
export interface Local extends Expr {
  readonly index: number;
}

const TYPE_CODES: Record<ValueType, number> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** LEB128, signed or unsigned, least significant seven bits first. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

function signed(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest < -64 || rest > 63) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>= 7;
  }
  bytes.push(rest & 0x7f);
  return bytes;
}

const vector = (items: readonly (readonly number[])[]) => [...unsigned(items.length), ...items.flat()];
const types = (values: readonly ValueType[]) => vector(values.map((type) => [TYPE_CODES[type]]));
const sized = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes];
const simd = (opcode: number) => [0xfd, ...unsigned(opcode)];

const float64Bytes = (value: number) => [...new Uint8Array(Float64Array.of(value).buffer)];

function operation(type: ValueType, ...opcode: number[]): (...operands: Expr[]) => Expr {
  return (...operands) => ({ type, code: [...operands.flatMap((operand) => operand.code), ...opcode] });
}

export const i32 = {
  const: (value: number): Expr => ({ type: 'i32', code: [0x41, ...signed(value)] }),
  add: operation('i32', 0x6a),
  sub: operation('i32', 0x6b),
  mul: operation('i32', 0x6c),
  and: operation('i32', 0x71),
  shl: operation('i32', 0x74),
  /** Unsigned less than; pointers are unsigned. */
  lt: operation('i32', 0x49),
  /** Shifts zeros in from the left. */
  shr: operation('i32', 0x76),
  eq: operation('i32', 0x46),
  ne: operation('i32', 0x47),
  /** Signed greater than. */
  gtSigned: operation('i32', 0x4a),
  /** The low half of an i64. */
  wrap: operation('i32', 0xa7),
  /** A float64 without its fraction; a trap if it does not fit. */
  truncate: operation('i32', 0xaa),
  load: (at: Expr, offset = 0): Expr => ({ type: 'i32', code: [...at.code, 0x28, 2, ...unsigned(offset)] }),
  /** 16 bits, unsigned. */
  load16: (at: Expr, offset = 0): Expr => ({ type: 'i32', code: [...at.code, 0x2f, 1, ...unsigned(offset)] }),
};

export const i64 = {
  /** Within the range of 32 bits. */
  const: (value: number): Expr => ({ type: 'i64', code: [0x42, ...signed(value)] }),
  ne: operation('i32', 0x52),
  /** Number of zeros below the lowest one. */
  ctz: operation('i64', 0x7a),
  sub: operation('i64', 0x7d),
  and: operation('i64', 0x83),
  or: operation('i64', 0x84),
  /** Shifts by the distance modulo 64. */
  shl: operation('i64', 0x86),
  /** An i32, unsigned, in 64 bits. */
  extend: operation('i64', 0xad),
  load: (at: Expr, offset = 0): Expr => ({ type: 'i64', code: [...at.code, 0x29, 3, ...unsigned(offset)] }),
};

export const f32 = {
  ne: operation('i32', 0x5c),
  const: (value: number): Expr => ({ type: 'f32', code: [0x43, ...new Uint8Array(Float32Array.of(value).buffer)] }),
  add: operation('f32', 0x92),
  min: operation('f32', 0x96),
  max: operation('f32', 0x97),
  mul: operation('f32', 0x94),
  /** The nearest float32 of a float64. */
  demote: operation('f32', 0xb6),
  lt: operation('i32', 0x5d),
  gt: operation('i32', 0x5e),
  load: (at: Expr, offset = 0): Expr => ({ type: 'f32', code: [...at.code, 0x2a, 2, ...unsigned(offset)] }),
};

export const f64 = {
  const: (value: number): Expr => ({ type: 'f64', code: [0x44, ...float64Bytes(value)] }),
  promote: operation('f64', 0xbb),
  /** Of an i32, signed. */
  convert: operation('f64', 0xb7),
  /** The next whole number below. */
  floor: operation('f64', 0x9c),
  gt: operation('i32', 0x64),
  add: operation('f64', 0xa0),
  sub: operation('f64', 0xa1),
  mul: operation('f64', 0xa2),
  min: operation('f64', 0xa4),
  max: operation('f64', 0xa5),
  div: operation('f64', 0xa3),
  load: (at: Expr, offset = 0): Expr => ({ type: 'f64', code: [...at.code, 0x2b, 3, ...unsigned(offset)] }),
};

export const f32x4 = {
  splat: operation('v128', ...simd(0x13)),
  lane: (value: Expr, lane: number): Expr => ({ type: 'f32', code: [...value.code, ...simd(0x1f), lane] }),
  lt: operation('v128', ...simd(0x43)),
  gt: operation('v128', ...simd(0x44)),
  ge: operation('v128', ...simd(0x46)),
  sqrt: operation('v128', ...simd(0xe3)),
  add: operation('v128', ...simd(0xe4)),
  sub: operation('v128', ...simd(0xe5)),
  mul: operation('v128', ...simd(0xe6)),
  div: operation('v128', ...simd(0xe7)),
  /** The second operand where it is less (greater), else the first: one instruction, and a first NaN stays. */
  pmin: operation('v128', ...simd(0xea)),
  pmax: operation('v128', ...simd(0xeb)),
  /** The sign of each lane as one bit: which comparisons held. */
  bitmask: operation('i32', ...simd(0xa4)),
  /** The two lanes of an f64x2, rounded, in lanes 0 and 1. */
  demote: operation('v128', ...simd(0x5e)),
  /** The four lanes of an i32x4, signed. */
  convert: operation('v128', ...simd(0xfa)),
};

export const f64x2 = {
  const: (low: number, high = low): Expr => ({
    type: 'v128',
    code: [...simd(0x0c), ...float64Bytes(low), ...float64Bytes(high)],
  }),
  splat: operation('v128', ...simd(0x14)),
  abs: operation('v128', ...simd(0xec)),
  neg: operation('v128', ...simd(0xed)),
  lt: operation('v128', ...simd(0x49)),
  lane: (value: Expr, lane: number): Expr => ({ type: 'f64', code: [...value.code, ...simd(0x21), lane] }),
  withHigh: (value: Expr, high: Expr): Expr => ({
    type: 'v128',
    code: [...value.code, ...high.code, ...simd(0x22), 1],
  }),
  eq: operation('v128', ...simd(0x47)),
  sqrt: operation('v128', ...simd(0xef)),
  add: operation('v128', ...simd(0xf0)),
  sub: operation('v128', ...simd(0xf1)),
  mul: operation('v128', ...simd(0xf2)),
  div: operation('v128', ...simd(0xf3)),
  /** As in {@link f32x4}. */
  pmin: operation('v128', ...simd(0xf6)),
  pmax: operation('v128', ...simd(0xf7)),
  /** Lanes 0 and 1 of an f32x4 in double precision. */
  promote: operation('v128', ...simd(0x5f)),
};

export const i32x4 = {
  splat: operation('v128', ...simd(0x11)),
  add: operation('v128', ...simd(0xae)),
  /** Shifts zeros in from the left; the distance is an i32. */
  shr: operation('v128', ...simd(0xad)),
};

const word64 = (value: bigint) => [...new Uint8Array(BigInt64Array.of(value).buffer)];

export const i64x2 = {
  const: (value: bigint): Expr => ({ type: 'v128', code: [...simd(0x0c), ...word64(value), ...word64(value)] }),
  add: operation('v128', ...simd(0xce)),
  /** Shifts zeros in from the left; the distance is an i32. */
  shr: operation('v128', ...simd(0xcd)),
};

const laneBytes = (first: number) => Array.from({ length: 8 }, (_, k) => first + k);

export const v128 = {
  and: operation('v128', ...simd(0x4e)),
  or: operation('v128', ...simd(0x50)),
  anyTrue: operation('i32', ...simd(0x53)),
  load: (at: Expr, offset = 0): Expr => ({ type: 'v128', code: [...at.code, ...simd(0x00), 0, ...unsigned(offset)] }),
  /** 32 bits, four times. */
  loadSplat32: (at: Expr, offset = 0): Expr => ({
    type: 'v128',
    code: [...at.code, ...simd(0x09), 0, ...unsigned(offset)],
  }),
  /** 64 bits, twice. */
  loadSplat64: (at: Expr, offset = 0): Expr => ({
    type: 'v128',
    code: [...at.code, ...simd(0x0a), 0, ...unsigned(offset)],
  }),
  /** 64 bits, then zeros. */
  loadLow64: (at: Expr, offset = 0): Expr => ({
    type: 'v128',
    code: [...at.code, ...simd(0x5d), 0, ...unsigned(offset)],
  }),
  /** Half `low` of a, then half `high` of b, in 64-bit halves. */
  halves: (a: Expr, b: Expr, low: 0 | 1, high: 0 | 1): Expr => ({
    type: 'v128',
    code: [...a.code, ...b.code, ...simd(0x0d), ...laneBytes(8 * low), ...laneBytes(16 + 8 * high)],
  }),
  /** The 32-bit lanes of half `half` of a and of b in turn. */
  interleave32: (a: Expr, b: Expr, half: 0 | 1): Expr => ({
    type: 'v128',
    code: [
      ...[...a.code, ...b.code, ...simd(0x0d)],
      ...[0, 16, 4, 20].flatMap((first) => laneBytes(first + 8 * half).slice(0, 4)),
    ],
  }),
  /** Four of the eight 32-bit lanes of a and b, counted from 0 to 7. */
  shuffle32: (a: Expr, b: Expr, lanes: readonly [number, number, number, number]): Expr => ({
    type: 'v128',
    code: [...a.code, ...b.code, ...simd(0x0d), ...lanes.flatMap((lane) => laneBytes(4 * lane).slice(0, 4))],
  }),
};

/** The body of one kernel, growing statement by statement. */
export class Kernel {
  readonly parameters: readonly Local[];
  readonly #locals: ValueType[] = [];
  readonly #code: number[] = [];

  constructor(parameters: readonly ValueType[]) {
    this.parameters = parameters.map((type, index) => local(type, index));
  }

  /** A new variable, zero at first. */
  variable(type: ValueType): Local {
    this.#locals.push(type);
    return local(type, this.parameters.length + this.#locals.length - 1);
  }

  /** A new variable with a value: use it wherever a value is needed twice. */
  let(value: Expr): Local {
    const name = this.variable(value.type);
    this.set(name, value);
    return name;
  }

  set(name: Local, value: Expr): void {
    this.#code.push(...value.code, 0x21, ...unsigned(name.index));
  }

  store(at: Expr, value: Expr, offset = 0): void {
    const opcode = { i32: [0x36], i64: [0x37], f32: [0x38], f64: [0x39], v128: simd(0x0b) }[value.type];
    this.#code.push(...at.code, ...value.code, ...opcode, 0, ...unsigned(offset));
  }

  /** Stores one 32-bit lane of a vector. */
  storeLane32(at: Expr, value: Expr, lane: number, offset = 0): void {
    this.#code.push(...at.code, ...value.code, ...simd(0x5a), 0, ...unsigned(offset), lane);
  }

  /** Stores the first half of a vector. */
  storeLow64(at: Expr, value: Expr): void {
    this.#code.push(...at.code, ...value.code, ...simd(0x5b), 0, 0, 0);
  }

  when(condition: Expr, body: () => void): void {
    this.#code.push(...condition.code, 0x04, 0x40);
    body();
    this.#code.push(0x0b);
  }

  /** Repeats the body while the condition holds. */
  whilst(condition: Expr, body: () => void): void {
    this.when(condition, () => {
      this.#code.push(0x03, 0x40);
      body();
      this.#code.push(...condition.code, 0x0d, 0, 0x0b);
    });
  }

  /** Repeats the body while `name`, which the body or `step` advances, is below `end`. */
  loop(name: Local, end: Expr, step: Expr, body: () => void): void {
    this.whilst(i32.lt(name, end), () => {
      body();
      this.set(name, i32.add(name, step));
    });
  }

  /** @param result code that pushes what the kernel returns */
  bytes(result: readonly number[] = []): number[] {
    const groups = this.#locals.map((type) => [1, TYPE_CODES[type]]);
    return sized([...vector(groups), ...this.#code, ...result, 0x0b]);
  }
}

function local(type: ValueType, index: number): Local {
  return { type, index, code: [0x20, ...unsigned(index)] };
}

/** A kernel to be: the types of its parameters, and what writes its body. */
export interface KernelSource {
  readonly parameters: readonly ValueType[];
  /** What the kernel returns is the value of the expression, if it gives one. */
  build(kernel: Kernel, parameters: readonly Local[]): Expr | void;
}

/**
 * Whose memory the kernels work in: the module's own, exported as `memory`, or the importer's `env.memory`, which
 * threads may share.
 */
export interface AssembleOptions {
  readonly memory?: 'exported' | 'imported' | 'shared';
}

/** Pages of 64 KiB that 32 bits can address: the most that a shared memory may be allowed to have. */
const MAX_PAGES = 65_536;

/** The bytes of a module that exports the kernels by name. */
export function assemble(
  sources: Record<string, KernelSource>,
  { memory = 'exported' }: AssembleOptions = {},
): Uint8Array<ArrayBuffer> {
  const kernels = Object.entries(sources).map(([text, { parameters, build }]) => {
    const kernel = new Kernel(parameters);
    const result = build(kernel, kernel.parameters);
    return { text, parameters, results: result ? [result.type] : [], body: kernel.bytes(result?.code) };
  });
  const own = memory === 'exported';
  const limits = { imported: [0, 1], shared: [3, 1, ...unsigned(MAX_PAGES)] };
  const section = (id: number, items: readonly (readonly number[])[]) => [id, ...sized(vector(items))];
  const name = (text: string) => sized([...new TextEncoder().encode(text)]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(
      1,
      kernels.map(({ parameters, results }) => [0x60, ...types(parameters), ...types(results)]),
    ),
    ...(own ? [] : section(2, [[...name('env'), ...name('memory'), 2, ...limits[memory]]])),
    ...section(
      3,
      kernels.map((_, index) => unsigned(index)),
    ),
    ...(own ? section(5, [[0, 16]]) : []),
    ...section(7, [
      ...(own ? [[...name('memory'), 2, 0]] : []),
      ...kernels.map(({ text }, index) => [...name(text), 0, ...unsigned(index)]),
    ]),
    ...section(
      10,
      kernels.map(({ body }) => body),
    ),
  ]);
}
