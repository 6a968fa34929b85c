/**
 * @file The simulated network itself: the same settings give the same state roots on graphs opened anew, honest work learns
 * and is paid, and of the attacks none is accepted that must not be.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gallery } from '../attacks/gallery.js';
import { honest } from './behaviour.js';
import { LabNetwork } from './LabNetwork.js';
import { type Laboratory, openLaboratory } from './Laboratory.js';
import type { Participant } from './Participant.js';
import type { RoundReport } from './records.js';
import { labSettings, labTraining } from './settings.js';

const settings = labSettings({
  seed: 'network test',
  reportRows: 32,
  training: { ...labTraining, innerSteps: 4 },
});
const attack = (name: string): Participant => ({
  id: name,
  behaviour: gallery.find((one) => one.name === name)!,
});
const crew: readonly Participant[] = [
  { id: 'a', behaviour: honest },
  { id: 'b', behaviour: honest },
  { id: 'c', behaviour: honest, lateRate: 0.3 },
  attack('sign-flip'),
  attack('copy'),
  attack('empty'),
  attack('nan'),
];

async function run(lab: Laboratory, rounds: number): Promise<RoundReport[]> {
  const network = new LabNetwork(lab, settings, crew);
  const reports: RoundReport[] = [];
  for (let round = 0; round < rounds; round++) reports.push(await network.runRound());
  return reports;
}

test('three rounds, twice, on graphs opened anew: the same roots; cheats are refused and unpaid, the rest learns', async () => {
  const runs: RoundReport[][] = [];
  for (let again = 0; again < 2; again++) {
    const lab = await openLaboratory(settings);
    runs.push(await run(lab, 3));
    await lab.dispose();
  }
  const [first, second] = runs as [RoundReport[], RoundReport[]];
  const roots = (reports: RoundReport[]) => reports.map(({ stateRoot }) => stateRoot);
  assert.deepEqual(roots(first), roots(second));
  assert.equal(new Set(roots(first)).size, 3, 'each round publishes another model');
  const all = first.flatMap(({ submissions }) => submissions);
  const codes = (id: string) => [...new Set(all.filter((s) => s.participant.id === id).map((s) => s.code))];
  assert.deepEqual(codes('copy'), ['COPY']);
  assert.deepEqual(codes('empty'), ['WIRE_EMPTY']);
  assert.deepEqual(codes('nan'), ['WIRE_NOT_FINITE']);
  assert.ok(!codes('sign-flip').includes(null), String(codes('sign-flip')));
  for (const { participant, paidNats, code } of all)
    if (participant.behaviour.isHonest && code === null) assert.ok(paidNats > 0, `${participant.id} is paid`);
    else assert.equal(paidNats, 0, `${participant.id} is not`);
  assert.ok(
    all.filter((s) => s.participant.id === 'a').every(({ code }) => code === null),
    'honest work is accepted',
  );
  assert.ok(first[2]!.lossNats < first[0]!.lossNats - 0.05, `${first.map(({ lossNats }) => lossNats)}`);
});
