/**
 * @file Checks a whole graph against the shape rules again. Nodes are checked when made; this catches what a pass, a
 * cast or a hand-made node slipped in, and names used twice. Runs before every session is opened.
 */
import { EngineError } from '../errors.js';
import { type ShapeRule, shapeRules } from './shapeRules.js';
import { topologicalOrder } from './topologicalOrder.js';
import { type OpName, sameShape, type Value } from './value.js';

/** Throws `GRAPH_INVALID` for the first node that is not what its op makes of its inputs, `NAME_DUPLICATE`. */
export function verifyGraph(outputs: Readonly<Record<string, Value>>): void {
  const names = new Set(Object.keys(outputs));
  topologicalOrder(Object.values(outputs)).forEach((value, position) => {
    const rule = shapeRules[value.op] as unknown as ShapeRule<OpName>;
    const { shape, dtype } = rule(value.inputs, value.attributes);
    if (!sameShape(shape, value.shape) || dtype !== value.dtype)
      throw new EngineError(
        { code: 'GRAPH_INVALID', op: value.op, position },
        `node ${position} (${value.op}) says ${value.dtype} (${value.shape}), its inputs make ${dtype} (${shape})`,
      );
    if (value.op === 'Input') claim(names, (value as Value<'Input'>).attributes.name);
  });
}

function claim(names: Set<string>, name: string): void {
  if (names.has(name))
    throw new EngineError(
      { code: 'NAME_DUPLICATE', name },
      `"${name}" names two inputs or outputs: rename one`,
    );
  names.add(name);
}
