/**
 * @file The Proxy pallet: an account lets others act for it, within a type and against a deposit. With Substrate's
 * names, indices and shapes; delays and announcements are not offered.
 */
import { addressOf, compareBytes, equalBytes } from '@alice/protocol';
import { option } from '../../scale/collections.js';
import { u32, u128 } from '../../scale/primitives.js';
import type { ScaleType, ValueOf } from '../../scale/ScaleType.js';
import { type AccountId, multiAddress } from '../../scale/substrateTypes.js';
import { timeOf } from '../../weights/timeOf.js';
import { balancesErrors } from '../balances/events.js';
import { canHold, hold, release } from '../balances/ledger.js';
import { holds } from '../balances/storage.js';
import type { HoldReason } from '../balances/types.js';
import { dispatchResultOf } from '../dispatchErrorValue.js';
import { nestedCall } from '../nestedCall.js';
import {
  BAD_ORIGIN,
  CANNOT_LOOKUP,
  call,
  constant,
  type DispatchError,
  type FullState,
  type Origin,
  type Pallet,
  type PalletContext,
} from '../Pallet.js';
import { proxyErrors, proxyEvents, proxyIdentity } from './events.js';
import { permits } from './permits.js';
import { proxies } from './storage.js';
import { type ProxyDefinition, type ProxyType, proxyType } from './types.js';

const DEPOSIT_BASE = 10_000_000_000n;
const DEPOSIT_FACTOR = 2_000_000_000n;
const MAX_PROXIES = 32;
const DEPOSIT: HoldReason = { type: 'Proxy', value: 'ProxyDeposit' };

type Address = ValueOf<typeof multiAddress>;
type Change = { readonly delegate: Address; readonly proxy_type: ProxyType; readonly delay: number };

const depositFor = (count: number): bigint =>
  count === 0 ? 0n : DEPOSIT_BASE + DEPOSIT_FACTOR * BigInt(count);

/** Stores the list and moves the deposit; refuses when the account cannot pay for it. */
function putList(
  context: PalletContext,
  who: AccountId,
  list: readonly ProxyDefinition[],
): DispatchError | undefined {
  const [, before] = proxies.get(context.state, who);
  const after = depositFor(list.length);
  if (after > before && !canHold(context, who, after - before))
    return balancesErrors.of('InsufficientBalance');
  if (after > before) hold(context, who, { reason: DEPOSIT, amount: after - before });
  else release(context, who, { reason: DEPOSIT, amount: before - after });
  if (list.length === 0) proxies.remove(context.state, who);
  else proxies.put(context.state, who, [[...list].sort(byDelegate), after]);
  return undefined;
}

const byDelegate = (a: ProxyDefinition, b: ProxyDefinition): number =>
  compareBytes(a.delegate, b.delegate) || (a.proxy_type < b.proxy_type ? -1 : 1);

const isSame =
  (delegate: AccountId, type: ProxyType) =>
  (entry: ProxyDefinition): boolean =>
    equalBytes(entry.delegate, delegate) && entry.proxy_type === type;

function add(context: PalletContext, origin: Origin, change: Change): DispatchError | undefined {
  if (origin.kind !== 'signed') return BAD_ORIGIN;
  if (change.delegate.type !== 'Id') return CANNOT_LOOKUP;
  const { signer } = origin;
  const { proxy_type: type, delay } = change;
  const delegate = change.delegate.value;
  if (delay !== 0) return proxyErrors.of('Unannounced');
  if (equalBytes(delegate, signer)) return proxyErrors.of('NoSelfProxy');
  const [list] = proxies.get(context.state, signer);
  if (list.length >= MAX_PROXIES) return proxyErrors.of('TooMany');
  if (list.some(isSame(delegate, type))) return proxyErrors.of('Duplicate');
  const refusal = putList(context, signer, [...list, { delegate, proxy_type: type, delay }]);
  if (refusal) return refusal;
  const event = { delegator: signer, delegatee: delegate, proxy_type: type, delay };
  proxyEvents.deposit(context, 'ProxyAdded', event);
  return undefined;
}

/** Removes the delegations that `isGone`; refuses when there are none. */
function removeWhere(
  context: PalletContext,
  origin: Origin,
  isGone: (entry: ProxyDefinition) => boolean,
): DispatchError | undefined {
  if (origin.kind !== 'signed') return BAD_ORIGIN;
  const { signer: delegator } = origin;
  const [list] = proxies.get(context.state, delegator);
  const gone = list.filter(isGone);
  if (gone.length === 0) return proxyErrors.of('NotFound');
  const refusal = putList(
    context,
    delegator,
    list.filter((entry) => !isGone(entry)),
  );
  if (refusal) return refusal;
  for (const { delegate: delegatee, ...rest } of gone)
    proxyEvents.deposit(context, 'ProxyRemoved', { delegator, delegatee, ...rest });
  return undefined;
}

function tryProxy(state: FullState): string[] {
  const held = (who: AccountId): bigint =>
    holds.get(state, who).find(({ id }) => id.type === 'Proxy')?.amount ?? 0n;
  const problems: string[] = [];
  for (const key of state.keysOf(proxies)) {
    const who = proxies.keyFrom(key);
    const [list, deposit] = proxies.get(state, who);
    if (list.length < 1 || list.length > MAX_PROXIES)
      problems.push(`${addressOf(who)}: impossible delegations`);
    if (held(who) !== deposit)
      problems.push(`${addressOf(who)}: a deposit of ${deposit} but ${held(who)} held`);
  }
  for (const key of state.keysOf(holds)) {
    const who = holds.keyFrom(key);
    if (held(who) > 0n && proxies.get(state, who)[0].length === 0)
      problems.push(`${addressOf(who)}: a deposit without delegations`);
  }
  return problems;
}

const changeFields = { delegate: multiAddress, proxy_type: proxyType, delay: u32 };

export const proxy: Pallet = {
  ...proxyIdentity,
  storage: [proxies],
  constants: {
    ProxyDepositBase: constant(u128, DEPOSIT_BASE, 'Held for having any delegates, in planck.'),
    ProxyDepositFactor: constant(u128, DEPOSIT_FACTOR, 'Held for each delegate, in planck.'),
    MaxProxies: constant(u32, MAX_PROXIES, 'Most delegates of one account.'),
  },
  calls: {
    proxy: call({
      index: 0,
      docs: [
        'Origin: signed, by a delegate of `real`. Details: runs a call as `real`, as far as the delegation reaches.',
        'Events: ProxyExecuted, with the result of the call.',
      ],
      fields: { real: multiAddress, force_proxy_type: option(proxyType), call: nestedCall },
      class: 'Normal',
      refTime: ({ call: inner }, ofCall) => timeOf('Proxy.proxy') + ofCall(inner),
      run: (context, origin, { real, force_proxy_type: forced, call: inner }) => {
        if (origin.kind !== 'signed') return BAD_ORIGIN;
        if (real.type !== 'Id') return CANNOT_LOOKUP;
        const own = proxies
          .get(context.state, real.value)[0]
          .filter(
            ({ delegate, proxy_type: type }) =>
              equalBytes(delegate, origin.signer) && (forced ?? type) === type,
          );
        if (own.length === 0) return proxyErrors.of('NotProxy');
        if (!own.some(({ proxy_type: type }) => permits(type, inner))) return proxyErrors.of('Unproxyable');
        const error = context.dispatch({ kind: 'signed', signer: real.value }, inner);
        proxyEvents.deposit(context, 'ProxyExecuted', { result: dispatchResultOf(error) });
        return undefined;
      },
    }),
    add_proxy: call({
      index: 1,
      docs: [
        'Origin: signed. Details: lets `delegate` act for the signer; holds a deposit. Events: ProxyAdded.',
      ],
      fields: changeFields,
      class: 'Normal',
      refTime: () => timeOf('Proxy.add_proxy'),
      run: add,
    }),
    remove_proxy: call({
      index: 2,
      docs: ['Origin: signed. Details: ends a delegation, releases its deposit. Events: ProxyRemoved.'],
      fields: changeFields,
      class: 'Normal',
      refTime: () => timeOf('Proxy.remove_proxy'),
      run: (context, origin, { delegate, proxy_type: type }) =>
        delegate.type === 'Id' ? removeWhere(context, origin, isSame(delegate.value, type)) : CANNOT_LOOKUP,
    }),
    remove_proxies: call({
      index: 3,
      docs: ['Origin: signed. Details: ends all delegations, releases the deposit. Events: ProxyRemoved.'],
      fields: {},
      class: 'Normal',
      refTime: () => timeOf('Proxy.remove_proxies'),
      run: (context, origin) => removeWhere(context, origin, () => true),
    }),
  },
  events: proxyEvents.type as ScaleType<unknown>,
  errors: proxyErrors.type,
  tryState: tryProxy,
};
