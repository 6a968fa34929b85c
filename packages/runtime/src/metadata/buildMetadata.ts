/**
 * @file Metadata, versions 14 and 15, derived from the pallet declarations (CHAIN-4): what wallets and explorers read
 * before anything else. Its binary layout is `@polkadot-api/substrate-bindings`'s; this file only fills it in.
 * Deterministic: the same declarations give the same bytes.
 */
import { toHex } from '@alice/protocol';
import { metadata as metadataCodec } from '@polkadot-api/substrate-bindings';
import { EXTRINSIC_VERSION } from '../executive/extrinsic.js';
import { extraTuple, runtimeApis, uncheckedExtrinsic } from '../executive/runtimeApis.js';
import { signedExtensions } from '../executive/signedExtensions.js';
import type { Pallet } from '../pallets/Pallet.js';
import { struct } from '../scale/records.js';
import type { IdOf, ScaleType } from '../scale/ScaleType.js';
import { multiAddress, multiSignature } from '../scale/substrateTypes.js';
import type { StorageItem } from '../storage/StorageItem.js';
import { palletCallType, pallets, runtimeCall, runtimeError, runtimeEvent } from '../wiring.js';
import { TypeRegistry } from './TypeRegistry.js';

/** "meta", little-endian. */
const MAGIC_NUMBER = 0x6174656d;

type Encoded = Parameters<typeof metadataCodec.enc>[0]['metadata'];

/** Both served versions, encoded with their magic prefix. Needs `initCrypto()`. */
export function buildMetadata(): { readonly v14: Uint8Array; readonly v15: Uint8Array } {
  const registry = new TypeRegistry();
  const { idOf } = registry;
  const described = pallets.map((pallet) => describePallet(pallet, idOf));
  const extensions = Object.entries(signedExtensions).map(([identifier, { extra, additional }]) => ({
    identifier,
    type: idOf(extra as ScaleType<unknown>),
    additionalSigned: idOf(additional as ScaleType<unknown>),
  }));
  const type = idOf(struct('alice_runtime::Runtime', {}));
  const outerEnums = {
    call: idOf(anyType(runtimeCall)),
    event: idOf(anyType(runtimeEvent)),
    error: idOf(runtimeError),
  };
  const extrinsic = {
    version: EXTRINSIC_VERSION,
    address: idOf(anyType(multiAddress)),
    call: outerEnums.call,
    signature: idOf(anyType(multiSignature)),
    extra: idOf(extraTuple),
    signedExtensions: extensions,
  };
  const extrinsic14 = {
    type: idOf(anyType(uncheckedExtrinsic)),
    version: EXTRINSIC_VERSION,
    signedExtensions: extensions,
  };
  const apis = describeApis(idOf);
  const lookup = registry.types;
  const v14 = { lookup, pallets: described, extrinsic: extrinsic14, type, apis: [] };
  const v15 = { lookup, pallets: described, extrinsic, type, apis, outerEnums, custom: [] };
  return {
    v14: encodeAs({ tag: 'v14', value: v14 } as unknown as Encoded),
    v15: encodeAs({ tag: 'v15', value: v15 } as unknown as Encoded),
  };
}

function encodeAs(metadata: Encoded): Uint8Array {
  return metadataCodec.enc({ magicNumber: MAGIC_NUMBER, metadata });
}

/** Forgets a type's value: the registry only describes. */
const anyType = <T>(type: ScaleType<T>): ScaleType<unknown> => type as ScaleType<unknown>;

function describePallet(pallet: Pallet, idOf: IdOf) {
  const callType = palletCallType(pallet.name);
  return {
    name: pallet.name,
    index: pallet.index,
    storage: pallet.storage.length === 0 ? undefined : describeStorage(pallet, idOf),
    calls: callType && idOf(callType),
    events: pallet.events && idOf(pallet.events),
    errors: pallet.errors && idOf(pallet.errors),
    constants: Object.entries(pallet.constants).map(([name, { type, encoded, docs }]) => ({
      name,
      type: idOf(type),
      value: toHex(encoded()),
      docs: [docs],
    })),
    docs: [],
  };
}

function describeStorage(pallet: Pallet, idOf: IdOf) {
  return { prefix: pallet.name, items: pallet.storage.map((item) => describeItem(item, idOf)) };
}

function describeItem(item: StorageItem, idOf: IdOf) {
  const fallback = item.fallback();
  const value = idOf(item.value);
  return {
    name: item.name,
    modifier: fallback === undefined ? 0 : 1,
    type: item.map
      ? {
          tag: 'map',
          value: { hashers: [{ tag: item.map.hasher, value: undefined }], key: idOf(item.map.key), value },
        }
      : { tag: 'plain', value },
    fallback: fallback === undefined ? '0x00' : toHex(fallback),
    docs: [...item.docs],
  };
}

function describeApis(idOf: IdOf) {
  return Object.entries(runtimeApis).map(([name, methods]) => ({
    name,
    docs: [],
    methods: Object.entries(methods).map(([method, { inputs, output }]) => ({
      name: method,
      inputs: Object.entries(inputs).map(([input, type]) => ({ name: input, type: idOf(type) })),
      output: idOf(output),
      docs: [],
    })),
  }));
}
