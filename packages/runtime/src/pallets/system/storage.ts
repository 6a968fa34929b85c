/**
 * @file The storage of Substrate's System pallet. All standard items are declared, because explorers read them; those
 * this runtime never writes read as their defaults. `System.Events` is added by the wiring, which knows all events.
 */
import { bytes, tuple, vec } from '../../scale/collections.js';
import { bool, u32 } from '../../scale/primitives.js';
import { accountId, h256, weight, ZERO_HASH } from '../../scale/substrateTypes.js';
import { storageMap, storageOptional, storageValue } from '../../storage/StorageItem.js';
import { BLOCK_HASH_COUNT } from './limits.js';
import { accountInfo, digest, lastRuntimeUpgrade, NO_ACCOUNT, perDispatchClass, phase } from './types.js';

const pallet = 'System';
const noWeight = { ref_time: 0n, proof_size: 0n };

export const account = storageMap({
  pallet,
  name: 'Account',
  hasher: 'Blake2128Concat',
  key: accountId,
  bound: { paidBy: 'fee' },
  type: accountInfo,
  default: NO_ACCOUNT,
  docs: 'Nonce and balances of an account.',
});
export const extrinsicCount = storageOptional({ pallet, name: 'ExtrinsicCount', type: u32 });
export const blockWeight = storageValue({
  pallet,
  name: 'BlockWeight',
  type: perDispatchClass(weight),
  default: { normal: noWeight, operational: noWeight, mandatory: noWeight },
  docs: 'Execution time that the block has used, by class.',
});
export const allExtrinsicsLen = storageOptional({ pallet, name: 'AllExtrinsicsLen', type: u32 });
export const blockHash = storageMap({
  pallet,
  name: 'BlockHash',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: BLOCK_HASH_COUNT + 1 },
  type: h256,
  default: ZERO_HASH,
  docs: 'Hashes of recent blocks and of block 0.',
});
export const extrinsicData = storageMap({
  pallet,
  name: 'ExtrinsicData',
  hasher: 'Twox64Concat',
  key: u32,
  bound: { most: 0 },
  type: bytes,
  default: new Uint8Array(),
});
export const blockNumber = storageValue({ pallet, name: 'Number', type: u32, default: 0 });
export const parentHash = storageValue({ pallet, name: 'ParentHash', type: h256, default: ZERO_HASH });
export const blockDigest = storageValue({ pallet, name: 'Digest', type: digest, default: { logs: [] } });
export const eventCount = storageValue({ pallet, name: 'EventCount', type: u32, default: 0 });
export const eventTopics = storageMap({
  pallet,
  name: 'EventTopics',
  hasher: 'Blake2128Concat',
  key: h256,
  bound: { most: 0 },
  type: vec(tuple(u32, u32)),
  default: [],
});
export const lastUpgrade = storageOptional({ pallet, name: 'LastRuntimeUpgrade', type: lastRuntimeUpgrade });
export const upgradedToU32RefCount = storageValue({
  pallet,
  name: 'UpgradedToU32RefCount',
  type: bool,
  default: true,
});
export const upgradedToTripleRefCount = storageValue({
  pallet,
  name: 'UpgradedToTripleRefCount',
  type: bool,
  default: true,
});
export const executionPhase = storageOptional({ pallet, name: 'ExecutionPhase', type: phase });

export const systemStorage = [
  account,
  extrinsicCount,
  blockWeight,
  allExtrinsicsLen,
  blockHash,
  extrinsicData,
  blockNumber,
  parentHash,
  blockDigest,
  eventCount,
  eventTopics,
  lastUpgrade,
  upgradedToU32RefCount,
  upgradedToTripleRefCount,
  executionPhase,
] as const;
