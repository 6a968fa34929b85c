/** @file Values that a JSON schema describes, for fast-check: as much of JSON Schema as the protocol's schemas use. */
import type { TSchema } from '@sinclair/typebox';
import fc from 'fast-check';

const WHOLE = Number.MAX_SAFE_INTEGER;

export function arbitraryOf(schema: TSchema): fc.Arbitrary<unknown> {
  if (schema['const'] !== undefined) return fc.constant(schema['const']);
  if (schema['anyOf']) return fc.oneof(...(schema['anyOf'] as TSchema[]).map(arbitraryOf));
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  switch (schema['type']) {
    case 'string':
      return typeof schema['pattern'] === 'string'
        ? fc.stringMatching(new RegExp(schema['pattern']))
        : fc.string({ maxLength: (schema['maxLength'] as number | undefined) ?? 40 });
    case 'integer':
      return fc.integer({ min: minimum ?? -WHOLE, max: maximum ?? WHOLE });
    case 'number':
      return fc.double({ min: minimum ?? -1e9, max: maximum ?? 1e9, noNaN: true });
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'array':
      return fc.array(arbitraryOf(schema['items'] as TSchema), { maxLength: 20 });
    case 'object':
      return objectOf(schema);
    default:
      return fc.jsonValue();
  }
}

function objectOf(schema: TSchema): fc.Arbitrary<unknown> {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, TSchema>);
  const required = (schema['required'] as string[] | undefined) ?? [];
  return fc.record(Object.fromEntries(properties.map(([name, property]) => [name, arbitraryOf(property)])), {
    requiredKeys: required as never,
  });
}
