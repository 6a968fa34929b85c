/** @file Hours of a schedule: spans within a day and over midnight, and what is refused. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isScheduled, parseSchedule } from './schedule.js';

const at = (hours: number, minutes = 0): Date => new Date(2026, 10, 23, hours, minutes);

it('knows spans within a day and over midnight', () => {
  const schedule = parseSchedule('22:00-7:00, 12:30-13:30');
  const hours = [at(21, 59), at(22), at(0), at(6, 59), at(7), at(12, 29), at(12, 30), at(13, 29), at(13, 30)];
  assert.deepEqual(
    hours.map((time) => isScheduled(schedule, time)),
    [false, true, true, true, false, false, true, true, false],
  );
  assert.ok(isScheduled(parseSchedule('18:00-24:00'), at(23, 59)));
  assert.ok(!isScheduled(parseSchedule('18:00-24:00'), at(0)));
});

it('refuses what is no span', () => {
  for (const text of [
    '',
    '22-7',
    '22:00',
    '25:00-07:00',
    '22:60-07:00',
    '07:00-07:00',
    '18:00-24:30',
    '1:00-2:00,',
  ])
    assert.throws(
      () => parseSchedule(text),
      { info: { code: 'OPTION_INVALID', option: '--schedule' } },
      text,
    );
});
