/** @file What Linux says about power: batteries of the computer count, those of its mouse do not. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { linuxOnBattery } from './battery.js';

it('is on battery while a battery of the computer discharges', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'alice-battery-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const supply = (name: string, facts: Record<string, string>): void => {
    mkdirSync(join(folder, name), { recursive: true });
    for (const [fact, value] of Object.entries(facts)) writeFileSync(join(folder, name, fact), `${value}\n`);
  };
  assert.equal(await linuxOnBattery(folder), false, 'no battery');
  supply('AC', { type: 'Mains', online: '0' });
  supply('mouse', { type: 'Battery', scope: 'Device', status: 'Discharging' });
  assert.equal(await linuxOnBattery(folder), false, "a mouse's");
  supply('BAT0', { type: 'Battery', status: 'Full' });
  assert.equal(await linuxOnBattery(folder), false, 'full');
  supply('BAT0', { status: 'Discharging' });
  assert.equal(await linuxOnBattery(folder), true);
});
