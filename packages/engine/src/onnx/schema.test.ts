/** @file The hand-written encoder gives the very bytes that a general protocol-buffer library gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import protobuf from 'protobufjs';
import { type AttributeMessage, encodeModelMessage, type ModelMessage } from './schema.js';

const SCHEMA = `syntax = "proto3"; package onnx;
message AttributeProto { string name = 1; float f = 2; int64 i = 3; bytes s = 4; TensorProto t = 5;
  repeated float floats = 7; repeated int64 ints = 8; int32 type = 20; }
message NodeProto { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4;
  string domain = 7; repeated AttributeProto attribute = 5; }
message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
message Dimension { int64 dim_value = 1; }
message TensorShapeProto { repeated Dimension dim = 1; }
message TensorType { int32 elem_type = 1; TensorShapeProto shape = 2; }
message TypeProto { TensorType tensor_type = 1; }
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto { repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12; }
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message ModelProto { int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8; }`;
const reference = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType('onnx.ModelProto');

const int = fc.oneof(fc.maxSafeInteger(), fc.integer({ min: -300, max: 300 }));
const tensor = fc.record({
  name: fc.string(),
  dims: fc.array(fc.nat(), { maxLength: 4 }),
  data_type: fc.integer({ min: 1, max: 20 }),
  raw_data: fc.uint8Array({ maxLength: 300 }),
});
const attribute: fc.Arbitrary<AttributeMessage> = fc.record(
  {
    name: fc.string(),
    type: fc.integer({ min: 1, max: 7 }),
    i: int,
    f: fc.float({ noNaN: true }),
    s: fc.uint8Array({ maxLength: 8 }),
    t: tensor,
    ints: fc.array(int, { maxLength: 4 }),
  },
  { requiredKeys: ['name', 'type'] },
);
const info = fc.record({
  name: fc.string({ unit: 'grapheme' }),
  type: fc.record({
    tensor_type: fc.record({
      elem_type: fc.integer({ min: 1, max: 20 }),
      shape: fc.record({ dim: fc.array(fc.record({ dim_value: fc.nat() }), { maxLength: 4 }) }),
    }),
  }),
});
const names = fc.array(fc.string(), { maxLength: 3 });
const node = fc.record({
  name: fc.string(),
  op_type: fc.string(),
  domain: fc.string(),
  input: names,
  output: names,
  attribute: fc.array(attribute, { maxLength: 3 }),
});
const model: fc.Arbitrary<ModelMessage> = fc.record({
  ir_version: fc.nat(),
  producer_name: fc.string(),
  opset_import: fc.array(fc.record({ domain: fc.string(), version: fc.nat() }), { maxLength: 3 }),
  graph: fc.record({
    name: fc.string(),
    node: fc.array(node, { maxLength: 4 }),
    initializer: fc.array(tensor, { maxLength: 3 }),
    input: fc.array(info, { maxLength: 3 }),
    output: fc.array(info, { maxLength: 3 }),
  }),
});

test('any model is encoded as by a general library', () => {
  fc.assert(
    fc.property(model, (message) => {
      const expected = new Uint8Array(reference.encode(message).finish());
      assert.deepEqual(encodeModelMessage(message), expected);
    }),
    { numRuns: 200 },
  );
});
