/** @file Makes nodes. Every node passes its shape rule here, so a graph that exists fits together. */
import { type ShapeRule, shapeRules } from './shapeRules.js';
import type { OpName, OpTable, Value } from './value.js';

/** A checked node. Throws `SHAPE_MISMATCH`, `DTYPE_MISMATCH`, `ATTRIBUTE_INVALID`. */
export function node<K extends OpName>(
  op: K,
  inputs: OpTable[K]['inputs'],
  attributes: OpTable[K]['attributes'],
): Value<K> {
  const rule: ShapeRule<K> = shapeRules[op];
  const { shape, dtype } = rule(inputs, attributes);
  return { op, inputs, attributes, shape, dtype };
}
