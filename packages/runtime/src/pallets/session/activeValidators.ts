/** @file The validators a state wants consensus to run with, for engines. */
import type { StateView, ValidatorUpdate } from '../../interface.js';
import { Overlay } from '../../storage/Overlay.js';
import { activeSet } from './storage.js';

/** Keys and powers, ascending by account; empty where the validators are those of the consensus genesis. */
export function activeValidators(state: StateView): ValidatorUpdate[] {
  return activeSet.get(new Overlay(state)).map(({ key, power }) => ({ consensusKey: key, power }));
}
