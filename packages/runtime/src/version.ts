/**
 * @file What this runtime calls itself. `SPEC_VERSION` must rise with every change of what a block does or of the
 * metadata: it is signed by every transaction, and clients reload the metadata when it changes.
 */
import { toHex } from '@alice/protocol';
import { byteArray, tuple, vec } from './scale/collections.js';
import { text, u8, u32 } from './scale/primitives.js';
import { struct } from './scale/records.js';
import type { ValueOf } from './scale/ScaleType.js';
import { runtimeApiId } from './storage/hashing.js';

export const SPEC_NAME = 'alice';
export const SPEC_VERSION = 105;
/** Rises when a call's index or arguments, or the signed extensions, change. */
export const TRANSACTION_VERSION = 1;

/** Version of each runtime API, as Substrate numbers them. */
export const RUNTIME_API_VERSIONS = {
  Core: 5,
  Metadata: 2,
  TaggedTransactionQueue: 3,
  AccountNonceApi: 1,
  AliceSessionApi: 1,
  TransactionPaymentApi: 4,
} as const;

export const runtimeVersionType = struct('sp_version::RuntimeVersion', {
  spec_name: text,
  impl_name: text,
  authoring_version: u32,
  spec_version: u32,
  impl_version: u32,
  apis: vec(tuple(byteArray(8), u32)),
  transaction_version: u32,
  system_version: u8,
});

/** The version as SCALE clients read it. */
export function runtimeVersion(): ValueOf<typeof runtimeVersionType> {
  return {
    spec_name: SPEC_NAME,
    impl_name: 'alice-ts',
    authoring_version: 1,
    spec_version: SPEC_VERSION,
    impl_version: 1,
    apis: Object.entries(RUNTIME_API_VERSIONS).map(
      ([name, version]) => [runtimeApiId(name), version] as const,
    ),
    transaction_version: TRANSACTION_VERSION,
    // State version 1, and version 1 for the root of the extrinsics as well.
    system_version: 2,
  };
}

/** The version as `state_getRuntimeVersion` prints it. */
export function runtimeVersionJson(): Readonly<Record<string, unknown>> {
  const version = runtimeVersion();
  return {
    specName: version.spec_name,
    implName: version.impl_name,
    authoringVersion: version.authoring_version,
    specVersion: version.spec_version,
    implVersion: version.impl_version,
    apis: version.apis.map(([id, number]) => [toHex(id), number]),
    transactionVersion: version.transaction_version,
    systemVersion: version.system_version,
    stateVersion: 1,
  };
}
