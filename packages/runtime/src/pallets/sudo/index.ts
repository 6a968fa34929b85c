/**
 * @file The Sudo pallet: one account may act as root while the network is young. Every use is an event and counted;
 * `remove_key` ends it for good, because nothing but root could set a key again. Root cannot reach the cap or the
 * halving: they are constants, and no call writes issuance.
 */
import { equalBytes } from '@alice/protocol';
import { option } from '../../scale/collections.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { accountId, multiAddress } from '../../scale/substrateTypes.js';
import { timeOf } from '../../weights/timeOf.js';
import { dispatchResult, dispatchResultOf } from '../dispatchErrorValue.js';
import { nestedCall } from '../nestedCall.js';
import {
  CANNOT_LOOKUP,
  call,
  type DispatchError,
  defineErrors,
  defineEvents,
  type FullState,
  type Origin,
  type Pallet,
  type PalletContext,
} from '../Pallet.js';
import { sudoKey, sudoRemovedAt, sudoStorage, sudoUses } from './storage.js';

const identity = { name: 'Sudo', module: 'pallet_sudo', index: 12 } as const;

const events = defineEvents(identity.module, identity.index, {
  Sudid: { index: 0, fields: { sudo_result: dispatchResult } },
  KeyChanged: { index: 1, fields: { old: option(accountId), new: accountId } },
  KeyRemoved: { index: 2 },
});

const errors = defineErrors(identity, {
  RequireSudo: { index: 0, docs: ['Only the account in Sudo.Key may do this.'] },
});

/** Runs `action` if the caller holds the key. */
function asHolder(
  { state }: PalletContext,
  origin: Origin,
  action: (holder: Uint8Array) => DispatchError | undefined,
): DispatchError | undefined {
  const holder = sudoKey.get(state);
  if (origin.kind !== 'signed' || !holder || !equalBytes(origin.signer, holder))
    return errors.of('RequireSudo');
  return action(holder);
}

function trySudo(state: FullState): string[] {
  const isBoth = sudoKey.get(state) !== undefined && sudoRemovedAt.get(state) !== undefined;
  return isBoth ? ['a key was set after it was removed for good'] : [];
}

export const sudo: Pallet = {
  ...identity,
  storage: sudoStorage,
  constants: {},
  calls: {
    sudo: call({
      index: 0,
      docs: ['Origin: the key. Details: runs a call as root. Events: Sudid, with the result of the call.'],
      fields: { call: nestedCall },
      class: 'Normal',
      refTime: ({ call: inner }, ofCall) => timeOf('Sudo.sudo') + ofCall(inner),
      run: (context, origin, { call: inner }) =>
        asHolder(context, origin, () => {
          sudoUses.put(context.state, sudoUses.get(context.state) + 1);
          const error = context.dispatch({ kind: 'root' }, inner);
          events.deposit(context, 'Sudid', { sudo_result: dispatchResultOf(error) });
          return undefined;
        }),
    }),
    set_key: call({
      index: 2,
      docs: ['Origin: the key. Details: hands the key to another account. Events: KeyChanged.'],
      fields: { new: multiAddress },
      class: 'Normal',
      refTime: () => timeOf('Sudo.set_key'),
      run: (context, origin, { new: next }) =>
        asHolder(context, origin, (old) => {
          if (next.type !== 'Id') return CANNOT_LOOKUP;
          sudoKey.put(context.state, next.value);
          events.deposit(context, 'KeyChanged', { old, new: next.value });
          return undefined;
        }),
    }),
    remove_key: call({
      index: 4,
      docs: [
        'Origin: the key. Details: removes the key for good; nobody is root after this. Events: KeyRemoved.',
      ],
      fields: {},
      class: 'Normal',
      refTime: () => timeOf('Sudo.remove_key'),
      run: (context, origin) =>
        asHolder(context, origin, () => {
          sudoKey.put(context.state, undefined);
          sudoRemovedAt.put(context.state, context.blockNumber);
          events.deposit(context, 'KeyRemoved', undefined);
          return undefined;
        }),
    }),
  },
  events: events.type as ScaleType<unknown>,
  errors: errors.type,
  tryState: trySudo,
};
