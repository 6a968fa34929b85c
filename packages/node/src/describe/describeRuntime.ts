/**
 * @file A runtime in words, out of its metadata: pallets with their calls, storage, events, errors and constants, and the
 * shapes of the runtime's own types. For documents; the chain itself never asks.
 */
import { getDynamicBuilder, getLookupFn } from '@polkadot-api/metadata-builders';
import {
  metadata as metadataCodec,
  type UnifiedMetadata,
  unifyMetadata,
} from '@polkadot-api/substrate-bindings';
import type { Json } from '../rpc/context.js';
import { plain } from './ChainDecoder.js';

export interface FieldDescription {
  /** Absent in tuples. */
  readonly name: string | undefined;
  readonly type: string;
}
/** A call, an event or an error. */
export interface CaseDescription {
  readonly name: string;
  readonly index: number;
  readonly fields: readonly FieldDescription[];
  readonly docs: string;
}
export interface StorageDescription {
  readonly name: string;
  /** Of a map; `undefined` for a single value. */
  readonly key: string | undefined;
  readonly value: string;
  readonly docs: string;
}
export interface ConstantDescription {
  readonly name: string;
  readonly type: string;
  readonly value: Json;
  readonly docs: string;
}
export interface PalletDescription {
  readonly name: string;
  readonly index: number;
  readonly calls: readonly CaseDescription[];
  readonly storage: readonly StorageDescription[];
  readonly events: readonly CaseDescription[];
  readonly errors: readonly CaseDescription[];
  readonly constants: readonly ConstantDescription[];
}
/** A struct has fields, an enum has cases. */
export interface TypeShape {
  readonly name: string;
  readonly fields: readonly FieldDescription[];
  readonly cases: readonly CaseDescription[];
}
export interface RuntimeDescription {
  readonly pallets: readonly PalletDescription[];
  /** The types of the runtime's pallets, by name; general types of Substrate are left out. */
  readonly types: readonly TypeShape[];
}

type Lookup = UnifiedMetadata['lookup'];
type Pallet = UnifiedMetadata['pallets'][number];

/** `metadata`: SCALE with its magic, version 14 or 15. Throws whatever its decoder throws on nonsense. */
export function describeRuntime(metadata: Uint8Array): RuntimeDescription {
  const unified = unifyMetadata(metadataCodec.dec(new Uint8Array(metadata)));
  const builder = getDynamicBuilder(getLookupFn(unified));
  const constantOf = (pallet: string, { name, value }: Pallet['constants'][number]): Json =>
    plain(builder.buildConstant(pallet, name).dec(value));
  const { lookup } = unified;
  return {
    pallets: unified.pallets.map((pallet) => ({
      ...{ name: pallet.name, index: pallet.index },
      ...{ calls: casesOf(lookup, pallet.calls?.type), events: casesOf(lookup, pallet.events?.type) },
      ...{ errors: casesOf(lookup, pallet.errors?.type), storage: storageOf(lookup, pallet) },
      constants: pallet.constants.map((constant) => ({
        ...{ name: constant.name, type: typeName(lookup, constant.type) },
        ...{ value: constantOf(pallet.name, constant), docs: constant.docs.join(' ') },
      })),
    })),
    types: ownTypes(lookup),
  };
}

function storageOf(lookup: Lookup, { storage }: Pallet): StorageDescription[] {
  return (storage?.items ?? []).map(({ name, type, docs }) => ({
    ...{ name, docs: docs.join(' ') },
    ...(type.tag === 'map'
      ? { key: typeName(lookup, type.value.key), value: typeName(lookup, type.value.value) }
      : { key: undefined, value: typeName(lookup, type.value) }),
  }));
}

function casesOf(lookup: Lookup, type: number | undefined): CaseDescription[] {
  const def = type === undefined ? undefined : lookup[type]?.def;
  if (def?.tag !== 'variant') return [];
  return def.value.map(({ name, index, fields, docs }) => ({
    ...{ name, index, docs: docs.join(' ') },
    fields: fields.map((field) => ({ name: field.name, type: typeName(lookup, field.type) })),
  }));
}

/** Enums of calls, events and errors are described with their pallet. */
function ownTypes(lookup: Lookup): TypeShape[] {
  return lookup
    .filter(({ path: [root = '', second] }) => root.startsWith('pallet_') && second !== 'pallet')
    .map(({ id, path, def }) => ({
      name: path.at(-1)!,
      fields:
        def.tag === 'composite'
          ? def.value.map(({ name, type }) => ({ name, type: typeName(lookup, type) }))
          : [],
      cases: casesOf(lookup, id),
    }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** As a Rust programmer would write it. */
function typeName(lookup: Lookup, id: number): string {
  const { path, def, params } = lookup[id]!;
  const inner = (type: number): string => typeName(lookup, type);
  const given = params.flatMap(({ type }) => (type === undefined ? [] : [inner(type)]));
  if (path.length > 0) return `${path.at(-1)}${given.length > 0 ? `<${given.join(', ')}>` : ''}`;
  switch (def.tag) {
    case 'primitive':
      return def.value.tag;
    case 'sequence':
      return `Vec<${inner(def.value)}>`;
    case 'compact':
      return `Compact<${inner(def.value)}>`;
    case 'array':
      return `[${inner(def.value.type)}; ${def.value.len}]`;
    case 'tuple':
      return `(${def.value.map(inner).join(', ')})`;
    default:
      return def.tag;
  }
}
