/** @file The Staking pallet: bonds for roles, candidates for validation, and slashes for proven offences. */
import { u32 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { accountId } from '../../scale/substrateTypes.js';
import { constant, type Pallet } from '../Pallet.js';
import { TREASURY } from '../treasury/pots.js';
import { stakingCalls } from './calls.js';
import { stakingErrors, stakingEvents, stakingIdentity } from './events.js';
import { MAX_CANDIDATES, MAX_PENDING_SLASHES, MAX_UNLOCKING_CHUNKS, stakingStorage } from './storage.js';
import { tryStaking } from './tryState.js';

export const staking: Pallet = {
  ...stakingIdentity,
  storage: stakingStorage,
  constants: {
    MaxCandidates: constant(u32, MAX_CANDIDATES, 'Most candidates for validation.'),
    MaxUnlockingChunks: constant(
      u32,
      MAX_UNLOCKING_CHUNKS,
      'Most amounts of one bond that unbond at a time.',
    ),
    MaxPendingSlashes: constant(
      u32,
      MAX_PENDING_SLASHES,
      'Most slashes that wait; a further one acts at once.',
    ),
    Treasury: constant(accountId, TREASURY, 'Receives slashed bonds; only root can spend it.'),
  },
  calls: stakingCalls,
  events: stakingEvents.type as ScaleType<unknown>,
  errors: stakingErrors.type,
  tryState: tryStaking,
};
