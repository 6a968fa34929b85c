/** @file The calls of the Session pallet: keys, with Substrate's indices, and the block's own note of missing votes. */
import { bytes, vec } from '../../scale/collections.js';
import { timeOf } from '../../weights/timeOf.js';
import { BAD_ORIGIN, call } from '../Pallet.js';
import { MAX_VALIDATORS } from '../staking/rules.js';
import { noteAbsent } from './downtime.js';
import { purgeKeys, setKeys } from './keys.js';
import { consensusAddressType, sessionKeys } from './types.js';

export const sessionCalls = {
  set_keys: call({
    index: 0,
    docs: [
      'Origin: signed, by an account with a bond. Details: registers session keys; used from the next session on.',
      '`proof` is the signature of a new validator key over "alice/session-key/" and the account. Events: KeysSet.',
    ],
    fields: { keys: sessionKeys, proof: bytes },
    class: 'Normal',
    refTime: () => timeOf('Session.set_keys'),
    run: (context, origin, args) =>
      origin.kind === 'signed' ? setKeys(context, origin.signer, args) : BAD_ORIGIN,
  }),
  purge_keys: call({
    index: 1,
    docs: [
      'Origin: signed. Details: removes the keys of an account that does not validate. Events: KeysPurged.',
    ],
    fields: {},
    class: 'Normal',
    refTime: () => timeOf('Session.purge_keys'),
    run: (context, origin) => (origin.kind === 'signed' ? purgeKeys(context, origin.signer) : BAD_ORIGIN),
  }),
  note_absent: call({
    index: 10,
    docs: [
      'Origin: none (the block). Details: counts validators whose votes are missing from the parent’s commit.',
    ],
    fields: { absent: vec(consensusAddressType) },
    class: 'Mandatory',
    refTime: ({ absent }) => timeOf('Session.note_absent', absent.length),
    run: ({ state }, origin, { absent }) => {
      if (origin.kind !== 'none') return BAD_ORIGIN;
      noteAbsent(state, absent.slice(0, MAX_VALIDATORS));
      return undefined;
    },
  }),
};
