/** @file The Session pallet: keys, the validators of each session, and the voting powers that consensus runs with. */
import { u32 } from '../../scale/primitives.js';
import type { ScaleType } from '../../scale/ScaleType.js';
import { constant, type Pallet } from '../Pallet.js';
import { sessionCalls } from './calls.js';
import { sessionErrors, sessionEvents, sessionIdentity } from './events.js';
import { MAX_RETIRED_KEYS, sessionStorage } from './storage.js';
import { trySession } from './tryState.js';

export const session: Pallet = {
  ...sessionIdentity,
  storage: sessionStorage,
  constants: {
    MaxRetiredKeys: constant(u32, MAX_RETIRED_KEYS, 'Replaced keys that one account may still answer for.'),
  },
  calls: sessionCalls,
  events: sessionEvents.type as ScaleType<unknown>,
  errors: sessionErrors.type,
  tryState: trySession,
};
