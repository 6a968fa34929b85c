/** @file Participants in numbers: n honest ones, m that behave otherwise. */
import { type Behaviour, honest } from '../network/behaviour.js';
import type { Participant } from '../network/Participant.js';

export function honestCrew(count: number): Participant[] {
  return Array.from({ length: count }, (_, i) => ({ id: `honest-${i}`, behaviour: honest }));
}

/** Hostile ones take the places after the honest ones, under the names those had in a warm-up of all. */
export function mixedCrew(honestCount: number, hostileCount: number, behaviour: Behaviour): Participant[] {
  const all = honestCrew(honestCount + hostileCount);
  return all.map((one, i) => (i < honestCount ? one : { ...one, behaviour }));
}
