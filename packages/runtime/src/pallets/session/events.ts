/** @file Events and errors of the Session pallet. */
import { vec } from '../../scale/collections.js';
import { u32 } from '../../scale/primitives.js';
import { accountId } from '../../scale/substrateTypes.js';
import { defineErrors, defineEvents } from '../Pallet.js';
import { sessionKeys, validatorUpdate } from './types.js';

export const sessionIdentity = { name: 'Session', module: 'pallet_session', index: 7 } as const;

export const sessionEvents = defineEvents(sessionIdentity.module, sessionIdentity.index, {
  NewSession: { index: 0, fields: { session_index: u32 } },
  KeysSet: { index: 1, fields: { account: accountId, keys: sessionKeys } },
  KeysPurged: { index: 2, fields: { account: accountId } },
  ValidatorsChanged: {
    index: 3,
    fields: { updates: vec(validatorUpdate) },
    docs: ['Voting powers that consensus uses from the block after the next on; 0 removes.'],
  },
  ValidatorRemoved: {
    index: 4,
    fields: { account: accountId },
    docs: ['Taken out of the set at once for an offence.'],
  },
  Absent: {
    index: 5,
    fields: { account: accountId, missed: u32 },
    docs: ['Missed too many votes of a session.'],
  },
});

export const sessionErrors = defineErrors(sessionIdentity, {
  InvalidProof: { index: 0, docs: ['Sign the account with the validator key, as the documentation says.'] },
  NoAssociatedValidatorId: { index: 1, docs: ['Only bonded accounts and validators have keys.'] },
  DuplicatedKey: { index: 2, docs: ['Another account has registered this key.'] },
  NoKeys: { index: 3, docs: ['This account has no keys.'] },
  KeyInUse: { index: 4, docs: ['Stop validating first: chill, then wait for the next session.'] },
  TooManyRetiredKeys: { index: 5, docs: ['Keys were replaced too often: wait for the unbonding period.'] },
});
