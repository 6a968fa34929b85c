/** @file A graph → the bytes of an ONNX model. Equal graphs give equal bytes. Runs no optimisation but sharing. */
import { topologicalOrder } from '../graph/topologicalOrder.js';
import type { DType, OpName, Shape, Value } from '../graph/value.js';
import { type Emitter, emitters } from './emitters.js';
import { Lowering, type LoweringOptions, MICROSOFT } from './Lowering.js';
import { ELEMENT_TYPE, encodeModelMessage, type ValueInfoMessage } from './schema.js';

const IR_VERSION = 8;
const OPSET = 18;

/** Encodes the graph whose outputs, by the names they will have, are given. */
export function encodeGraph(
  outputs: Readonly<Record<string, Value>>,
  options: LoweringOptions = {},
): Uint8Array {
  const to = new Lowering(options);
  const nameOf = new Map<Value, string>();
  const inputs: ValueInfoMessage[] = [];
  for (const value of topologicalOrder(Object.values(outputs))) {
    // The table's type pairs each op with its own emitter; TypeScript cannot follow that through a union of ops.
    const emit = emitters[value.op] as unknown as Emitter<OpName>;
    const name = emit(
      to,
      value.inputs.map((x) => nameOf.get(x)!),
      value,
    );
    nameOf.set(value, name);
    if (value.op === 'Input') inputs.push(infoOf(name, value.shape, value.dtype));
  }
  const described = Object.entries(outputs).map(([name, value]) => {
    // A node of its own, because one value may be offered under several names, or be an input.
    to.nodes.push({
      name: `out_${name}`,
      op_type: 'Identity',
      domain: '',
      input: [nameOf.get(value)!],
      output: [name],
      attribute: [],
    });
    return infoOf(name, value.shape, value.dtype);
  });
  return encodeModelMessage({
    ir_version: IR_VERSION,
    producer_name: 'alice',
    opset_import: [
      { domain: '', version: OPSET },
      { domain: MICROSOFT, version: 1 },
    ],
    graph: { name: 'alice', node: to.nodes, initializer: to.constants, input: inputs, output: described },
  });
}

function infoOf(name: string, shape: Shape, dtype: DType): ValueInfoMessage {
  const dim = shape.map((size) => ({ dim_value: size }));
  return { name, type: { tensor_type: { elem_type: ELEMENT_TYPE[dtype], shape: { dim } } } };
}
