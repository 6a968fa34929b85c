/**
 * @file Collects ONNX nodes and constants while a graph is lowered. Equal nodes (same op, inputs, attributes) are made
 * once: all ops are pure, and emitters of related ops (attention and its probabilities) rely on sharing their parts.
 */
import type { Shape } from '../graph/value.js';
import {
  ATTRIBUTE_TYPE,
  type AttributeMessage,
  ELEMENT_TYPE,
  type NodeMessage,
  type TensorMessage,
} from './schema.js';

/** Ops of ONNX Runtime that the standard's version used here lacks. */
export const MICROSOFT = 'com.microsoft';

export interface NodeParts {
  readonly inputs: readonly string[];
  readonly attributes?: readonly AttributeMessage[];
  readonly domain?: string;
  /** Which of the node's outputs is meant; the first unless given. */
  readonly output?: number;
}

export const intAttribute = (name: string, i: number): AttributeMessage => ({
  name,
  i,
  type: ATTRIBUTE_TYPE.int,
});
export const floatAttribute = (name: string, f: number): AttributeMessage => ({
  name,
  f,
  type: ATTRIBUTE_TYPE.float,
});
export const stringAttribute = (name: string, text: string): AttributeMessage => ({
  name,
  s: new TextEncoder().encode(text),
  type: ATTRIBUTE_TYPE.string,
});
export const intsAttribute = (name: string, ints: readonly number[]): AttributeMessage => ({
  name,
  ints,
  type: ATTRIBUTE_TYPE.ints,
});

export interface LoweringOptions {
  /**
   * Matrix products take FP16 factors and give FP16 results, everything else stays FP32: what tensor cores are built
   * for. Results beyond 65,504 become infinite. Default: false.
   */
  readonly halfProducts?: boolean;
}

export class Lowering {
  readonly nodes: NodeMessage[] = [];
  readonly constants: TensorMessage[] = [];
  readonly #madeBy = new Map<string, string>();
  readonly #halfProducts: boolean;

  constructor({ halfProducts = false }: LoweringOptions = {}) {
    this.#halfProducts = halfProducts;
  }

  /** Adds a node, or finds the equal one, and returns the name of its output. */
  emit(opType: string, { inputs, attributes = [], domain = '', output: wanted = 0 }: NodeParts): string {
    return this.#once(JSON.stringify([domain, opType, inputs, attributes, wanted]), (output) => {
      this.nodes.push({
        name: output,
        op_type: opType,
        domain,
        input: inputs,
        output: [...Array.from({ length: wanted }, (_, i) => `${output}_${i}`), output],
        attribute: attributes,
      });
    });
  }

  /** A matrix product of FP32 values, in FP16 where that is wanted. */
  product(
    opType: 'Gemm' | 'MatMul',
    inputs: readonly string[],
    attributes: readonly AttributeMessage[] = [],
  ): string {
    if (!this.#halfProducts) return this.emit(opType, { inputs, attributes });
    const [a, b, sum] = inputs;
    const product = this.emit(opType, { inputs: [a!, b!].map((x) => this.#half(x)), attributes });
    const wide = this.#cast(this.#kept(product), 'float32');
    return sum === undefined ? wide : this.emit('Add', { inputs: [wide, sum] }); // sums grow in FP32
  }

  #half(x: string): string {
    return this.#kept(this.#cast(x, 'float16'));
  }

  /**
   * The value itself, past an op that works on FP16 everywhere and costs nothing. Without it ONNX Runtime's processor
   * provider, which multiplies in FP32, drops the casts around the product: numbers would not be those of a device.
   */
  #kept(x: string): string {
    const raised = this.emit('Unsqueeze', { inputs: [x, this.ints([0])] });
    return this.emit('Squeeze', { inputs: [raised, this.ints([0])] });
  }

  #cast(x: string, to: 'float16' | 'float32'): string {
    return this.emit('Cast', { inputs: [x], attributes: [intAttribute('to', ELEMENT_TYPE[to])] });
  }

  /** A stored vector of 64-bit integers: shapes, axes and bounds are such inputs in ONNX. */
  ints(values: readonly number[]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#once(`ints ${values.join(',')}`, (name) =>
      this.#store({ name, dims: [values.length], data }),
    );
  }

  /** A stored float of rank 0. */
  float(value: number): string {
    const data = Float32Array.of(value);
    return this.#once(`float ${value}`, (name) => this.#store({ name, dims: [], data }));
  }

  /** A stored 64-bit integer of rank 0. */
  int(value: number): string {
    const data = BigInt64Array.of(BigInt(value));
    return this.#once(`int ${value}`, (name) => this.#store({ name, dims: [], data }));
  }

  /** A stored table; not shared. */
  tensor(data: Float32Array | Int32Array, dims: Shape): string {
    const name = this.#name();
    this.#store({ name, dims, data });
    return name;
  }

  #store({
    name,
    dims,
    data,
  }: {
    name: string;
    dims: Shape;
    data: Float32Array | Int32Array | BigInt64Array;
  }): void {
    const kind = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'int64';
    const raw = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.constants.push({ name, dims, data_type: ELEMENT_TYPE[kind], raw_data: raw });
  }

  #once(key: string, make: (name: string) => void): string {
    const known = this.#madeBy.get(key);
    if (known !== undefined) return known;
    const name = this.#name();
    make(name);
    this.#madeBy.set(key, name);
    return name;
  }

  #name(): string {
    return `v${this.nodes.length}_${this.constants.length}`;
  }
}
