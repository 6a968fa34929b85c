/**
 * @file The System pallet: accounts, block bookkeeping and limits, in Substrate's shapes (CHAIN-4). Its only call is
 * `remark`; the runtime is replaced by upgrading the node, never by a call.
 */
import { SS58_PREFIX } from '@alice/protocol';
import { bytes } from '../../scale/collections.js';
import { u16, u32 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { runtimeVersion, runtimeVersionType } from '../../version.js';
import { timeOf } from '../../weights/timeOf.js';
import { BAD_ORIGIN, call, constant, defineErrors, type Pallet } from '../Pallet.js';
import { SYSTEM_INDEX, systemEvents } from './events.js';
import {
  BASE_EXTRINSIC_REF_TIME,
  BLOCK_HASH_COUNT,
  MAX_BLOCK_REF_TIME,
  maxBytes,
  maxRefTime,
} from './limits.js';
import { systemStorage } from './storage.js';
import { blockLength, blockWeights, dbWeight } from './types.js';

const identity = { name: 'System', module: 'frame_system', index: SYSTEM_INDEX };

const weightOf = (refTime: bigint) => ({ ref_time: refTime, proof_size: 0n });
const classLimits = (dispatchClass: 'Normal' | 'Operational' | 'Mandatory') => ({
  base_extrinsic: weightOf(BASE_EXTRINSIC_REF_TIME),
  max_extrinsic: weightOf(maxRefTime(dispatchClass)),
  max_total: weightOf(maxRefTime(dispatchClass)),
  reserved: undefined,
});

export const system: Pallet = {
  ...identity,
  storage: systemStorage,
  constants: {
    BlockWeights: constant(
      blockWeights,
      {
        base_block: weightOf(0n),
        max_block: weightOf(MAX_BLOCK_REF_TIME),
        per_class: {
          normal: classLimits('Normal'),
          operational: classLimits('Operational'),
          mandatory: classLimits('Mandatory'),
        },
      },
      'Execution time that a block may use.',
    ),
    BlockLength: constant(
      blockLength,
      {
        max: {
          normal: maxBytes('Normal'),
          operational: maxBytes('Operational'),
          mandatory: maxBytes('Mandatory'),
        },
      },
      'Bytes of extrinsics that a block may hold.',
    ),
    BlockHashCount: constant(u32, BLOCK_HASH_COUNT, 'Number of recent block hashes in the state.'),
    DbWeight: constant(dbWeight, { read: 0n, write: 0n }, 'Counted inside each call.'),
    Version: constant(runtimeVersionType, runtimeVersion, 'What this runtime calls itself.'),
    SS58Prefix: constant(u16, SS58_PREFIX, 'Prefix of addresses.'),
  },
  calls: {
    remark: call({
      index: 0,
      docs: ['Origin: signed. Details: puts bytes on the chain and does nothing else.'],
      fields: { remark: bytes },
      class: 'Normal',
      refTime: () => timeOf('System.remark'),
      run: (_context, origin) => (origin.kind === 'signed' ? undefined : BAD_ORIGIN),
    }),
  },
  events: systemEvents.type as ScaleType<unknown>,
  errors: defineErrors(identity, {
    CallFiltered: { index: 5, docs: ['The call is not open to anyone.'] },
  }).type,
};
