/**
 * @file The part of the ONNX file format that graphs need (onnx.proto3, IR version 8), and its encoder. Field numbers
 * are the standard's. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
 */
import { ProtoWriter } from './ProtoWriter.js';

/** ONNX element types (TensorProto.DataType). */
export const ELEMENT_TYPE = { float32: 1, int32: 6, int64: 7, float16: 10 } as const;
/** AttributeProto.AttributeType. */
export const ATTRIBUTE_TYPE = { float: 1, int: 2, string: 3, tensor: 4, ints: 7 } as const;

export interface TensorMessage {
  name: string;
  dims: readonly number[];
  data_type: number;
  raw_data: Uint8Array;
}
export interface AttributeMessage {
  name: string;
  type: number;
  i?: number;
  f?: number;
  s?: Uint8Array;
  t?: TensorMessage;
  ints?: readonly number[];
}
export interface NodeMessage {
  name: string;
  op_type: string;
  domain: string;
  input: readonly string[];
  output: readonly string[];
  attribute: readonly AttributeMessage[];
}
export interface ValueInfoMessage {
  name: string;
  type: { tensor_type: { elem_type: number; shape: { dim: { dim_value: number }[] } } };
}
export interface ModelMessage {
  ir_version: number;
  producer_name: string;
  opset_import: readonly { domain: string; version: number }[];
  graph: {
    name: string;
    node: readonly NodeMessage[];
    initializer: readonly TensorMessage[];
    input: readonly ValueInfoMessage[];
    output: readonly ValueInfoMessage[];
  };
}

/** The bytes of an .onnx file. */
export function encodeModelMessage({
  ir_version,
  producer_name,
  opset_import,
  graph,
}: ModelMessage): Uint8Array {
  const to = new ProtoWriter().int(1, ir_version).string(2, producer_name).message(7, graphOf(graph));
  for (const { domain, version } of opset_import)
    to.message(8, new ProtoWriter().string(1, domain).int(2, version));
  return to.finish();
}

function graphOf({ name, node, initializer, input, output }: ModelMessage['graph']): ProtoWriter {
  const to = new ProtoWriter();
  for (const one of node) to.message(1, nodeOf(one));
  to.string(2, name);
  for (const tensor of initializer) to.message(5, tensorOf(tensor));
  for (const info of input) to.message(11, infoOf(info));
  for (const info of output) to.message(12, infoOf(info));
  return to;
}

function nodeOf({ name, op_type, domain, input, output, attribute }: NodeMessage): ProtoWriter {
  const to = new ProtoWriter().strings(1, input).strings(2, output).string(3, name).string(4, op_type);
  for (const one of attribute) to.message(5, attributeOf(one));
  return to.string(7, domain);
}

function attributeOf({ name, type, f, i, s, t, ints }: AttributeMessage): ProtoWriter {
  const to = new ProtoWriter().string(1, name);
  if (f !== undefined) to.float(2, f);
  if (i !== undefined) to.int(3, i);
  if (s !== undefined) to.bytes(4, s);
  if (t !== undefined) to.message(5, tensorOf(t));
  return to.ints(8, ints ?? []).int(20, type);
}

function tensorOf({ name, dims, data_type, raw_data }: TensorMessage): ProtoWriter {
  return new ProtoWriter().ints(1, dims).int(2, data_type).string(8, name).bytes(9, raw_data);
}

function infoOf({ name, type }: ValueInfoMessage): ProtoWriter {
  const { elem_type, shape } = type.tensor_type;
  const dims = new ProtoWriter();
  for (const { dim_value } of shape.dim) dims.message(1, new ProtoWriter().int(1, dim_value));
  const tensor = new ProtoWriter().int(1, elem_type).message(2, dims);
  return new ProtoWriter().string(1, name).message(2, new ProtoWriter().message(1, tensor));
}
