/**
 * Dynamic int8 quantization of a trained model: a file of about a quarter of the size.
 *
 * Weights become int8, symmetric, with one scale per output channel: q = round(w / s), s = max |w| / 127.
 * Where ONNX has an integer operator the input is quantized too, to uint8, with a scale found from each
 * input as it comes (Jacob and others, 2018, without calibration data):
 *
 * | layer | operators |
 * | --- | --- |
 * | dense, attention_pool | DynamicQuantizeLinear, MatMulInteger |
 * | conv1d, conv2d | DynamicQuantizeLinear, ConvInteger |
 * | lstm | DynamicQuantizeLSTM (ONNX Runtime's own) |
 * | gru | weights only: DequantizeLinear before the float operator, as no runtime has an integer one |
 *
 * Biases, normalizations and everything else stay float32.
 */
import { DataError } from '@prosodia/core';
import { MICROSOFT } from './ops.ts';
import { EditableModel, integerAttribute, integerIn, type Operator } from './onnx/edit.ts';
import { readMetadata, type Initializer } from './onnx/read.ts';

export interface QuantizedModel {
  /** ONNX, with the inputs, outputs and metadata of the model it was made from. */
  readonly model: Uint8Array;
  /** Weights used by integer operators. */
  readonly dynamic: readonly string[];
  /** Weights stored as int8 and computed with as float32. */
  readonly weight_only: readonly string[];
}

const FLOAT32 = 1;

/**
 * Quantizes a model that {@link train} made.
 * Throws a DataError if the bytes are no such model, or it is quantized already.
 */
export function quantizeModel(model: Uint8Array): QuantizedModel {
  const { network, quantization } = readMetadata(model);
  if (network === undefined || quantization !== undefined) {
    throw new DataError({
      problem: 'the model cannot be quantized',
      expected: 'a float32 model trained here',
      got: quantization === undefined ? 'a model that does not say its network' : `a model in ${quantization}`,
    });
  }
  return new Quantizer(model).run();
}

class Quantizer {
  readonly #model: EditableModel;
  readonly #maker = new Map<string, Operator>();
  readonly #out: Operator[] = [];
  readonly #quantizedInputs = new Map<string, [values: string, scale: string, zero: string]>();
  readonly #dynamic: string[] = [];
  readonly #weightOnly: string[] = [];

  constructor(model: Uint8Array) {
    this.#model = new EditableModel(model);
    for (const operator of this.#model.operators) {
      for (const name of operator.outputs) this.#maker.set(name, operator);
    }
  }

  run(): QuantizedModel {
    for (const operator of this.#model.operators) {
      const replaced =
        operator.op === 'Gemm' || operator.op === 'MatMul'
          ? this.#product(operator)
          : operator.op === 'Conv'
            ? this.#convolution(operator)
            : operator.op === 'LSTM' && this.#lstm(operator);
      if (!replaced) this.#out.push(operator);
    }
    this.#model.operators = this.#out;
    this.#model.operators = [...this.#remaining(), ...this.#out];
    return {
      model: this.#model.finish({ quantization: 'int8' }),
      dynamic: this.#dynamic,
      weight_only: this.#weightOnly,
    };
  }

  /** x W + b as integers; W is [in, out]. */
  #product({ op, inputs, outputs, attributes }: Operator): boolean {
    const weight = this.#weight(inputs[1]!);
    // Our layers multiply by the weight as it is; a product of any other form stays as it was.
    if (weight?.shape.length !== 2 || attributes.some((each) => integerIn(each) !== 0)) return false;
    const channels = weight.shape[1]!;
    const { values, scales } = quantize(weight.data, channels, (i) => i % channels);
    const [x, xScale, xZero] = this.#input(inputs[0]!);
    const product = this.#add('MatMulInteger', [x, this.#model.store(weight.shape, values), xZero]);
    const bias = op === 'Gemm' ? inputs[2] : undefined;
    this.#rescale(product, xScale, this.#model.store([channels], scales), bias, outputs[0]!);
    this.#dynamic.push(weight.name);
    return true;
  }

  /** W is [out, in, ...size]. */
  #convolution({ inputs, outputs, attributes }: Operator): boolean {
    const weight = this.#weight(inputs[1]!);
    if (!weight) return false;
    const channels = weight.shape[0]!;
    const { values, scales } = quantize(weight.data, channels, (i) => Math.floor((i * channels) / weight.data.length));
    const [x, xScale, xZero] = this.#input(inputs[0]!);
    const weights = this.#model.store(weight.shape, values);
    const product = this.#add('ConvInteger', [x, weights, xZero], attributes);
    const perChannel = [channels, ...weight.shape.slice(2).map(() => 1)];
    const bias = inputs[2] ? this.#model.initializers.get(inputs[2])?.data : undefined;
    this.#rescale(
      product,
      xScale,
      this.#model.store(perChannel, scales),
      bias && this.#model.store(perChannel, bias),
      outputs[0]!,
    );
    this.#dynamic.push(weight.name);
    return true;
  }

  /** The weights of each direction are [in, 4 units] and [units, 4 units], as the integer operator wants them. */
  #lstm({ inputs, outputs, attributes }: Operator): boolean {
    const [x, w, r, bias] = inputs as [string, string, string, string];
    const [kernels, recurrent] = [this.#sources(w), this.#sources(r)];
    const [wValues, wScales, wZeros] = this.#stacked(kernels);
    const [rValues, rScales, rZeros] = this.#stacked(recurrent);
    this.#out.push({
      op: 'DynamicQuantizeLSTM',
      inputs: [x, wValues, rValues, bias, '', '', '', '', wScales, wZeros, rScales, rZeros],
      outputs,
      attributes,
      domain: MICROSOFT,
    });
    this.#dynamic.push(...[...kernels, ...recurrent].map(({ name }) => name));
    return true;
  }

  /** Weights that operators still use as float32: kept as int8 and turned back where the model begins. */
  #remaining(): Operator[] {
    const needed = this.#model.needed();
    const operators: Operator[] = [];
    for (const { name } of [...this.#model.initializers.values()]) {
      const weight = needed.has(name) ? this.#weight(name) : undefined;
      if (!weight) continue;
      const axis = weight.shape.length - 1;
      const channels = weight.shape[axis]!;
      const { values, scales } = quantize(weight.data, channels, (i) => i % channels);
      const stored = [this.#model.store(weight.shape, values), this.#model.store([channels], scales)];
      operators.push({
        op: 'DequantizeLinear',
        inputs: stored,
        outputs: [name],
        attributes: [integerAttribute('axis', axis)],
        domain: '',
      });
      this.#weightOnly.push(name);
    }
    return operators;
  }

  /** A trained weight of two or more axes. */
  #weight(name: string): (Initializer & { data: Float32Array }) | undefined {
    const found = this.#model.initializers.get(name);
    // Weights are called after their layer, constants are not.
    if (!found?.data || found.shape.length < 2 || !name.includes('/')) return undefined;
    return { ...found, data: found.data };
  }

  /** The weights that a tensor is put together from, in order. */
  #sources(name: string): (Initializer & { data: Float32Array })[] {
    const weight = this.#weight(name);
    if (weight) return [weight];
    return (this.#maker.get(name)?.inputs ?? []).flatMap((input) => this.#sources(input));
  }

  #stacked(weights: readonly (Initializer & { data: Float32Array })[]): [string, string, string] {
    const [rows, columns] = weights[0]!.shape as [number, number];
    const parts = weights.map(({ data }) => quantize(data, columns, (i) => i % columns));
    const shape = [weights.length, columns];
    return [
      this.#model.store(
        [weights.length, rows, columns],
        joined(
          Int8Array,
          parts.map(({ values }) => values),
        ),
      ),
      this.#model.store(
        shape,
        joined(
          Float32Array,
          parts.map(({ scales }) => scales),
        ),
      ),
      this.#model.store(shape, new Int8Array(weights.length * columns)),
    ];
  }

  /** The uint8 form of a tensor, made once. */
  #input(name: string): [string, string, string] {
    const known = this.#quantizedInputs.get(name);
    if (known) return known;
    const outputs = [this.#model.freshName(), this.#model.freshName(), this.#model.freshName()] as [
      string,
      string,
      string,
    ];
    this.#out.push({ op: 'DynamicQuantizeLinear', inputs: [name], outputs, attributes: [], domain: '' });
    this.#quantizedInputs.set(name, outputs);
    return outputs;
  }

  /** Integers to floats: times both scales, plus the bias. */
  #rescale(product: string, xScale: string, scales: string, bias: string | undefined, output: string): void {
    const floats = this.#add('Cast', [product], [integerAttribute('to', FLOAT32)]);
    const scale = this.#add('Mul', [xScale, scales]);
    if (bias === undefined) this.#add('Mul', [floats, scale], [], output);
    else this.#add('Add', [this.#add('Mul', [floats, scale]), bias], [], output);
  }

  #add(op: string, inputs: string[], attributes: readonly Uint8Array[] = [], output = this.#model.freshName()): string {
    this.#out.push({ op, inputs, outputs: [output], attributes, domain: '' });
    return output;
  }
}

/** @param channelOf the channel of the i-th number */
function quantize(
  data: Float32Array,
  channels: number,
  channelOf: (i: number) => number,
): { values: Int8Array; scales: Float32Array } {
  const scales = new Float32Array(channels);
  data.forEach((value, i) => (scales[channelOf(i)] = Math.max(scales[channelOf(i)]!, Math.abs(value))));
  // A channel of zeros keeps a scale that can be divided by.
  scales.forEach((largest, c) => (scales[c] = largest === 0 ? 1 : largest / 127));
  const values = Int8Array.from(data, (value, i) =>
    Math.max(-127, Math.min(127, Math.round(value / scales[channelOf(i)]!))),
  );
  return { values, scales };
}

function joined<A extends Int8Array | Float32Array>(kind: new (length: number) => A, parts: readonly A[]): A {
  const all = new kind(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
