/** @file The hours in which a person lets a miner work, by the local clock. Pure; a span may go over midnight. */
import { CliError } from '../errors.js';

/** Minutes of the day; `to` is the first one that is not in it. */
interface Span {
  readonly from: number;
  readonly to: number;
}
export type Schedule = readonly Span[];

const SPAN = /^([01]?\d|2[0-3]):([0-5]\d)-([01]?\d|2[0-4]):([0-5]\d)$/;

/** `22:00-07:00,12:30-13:30`. Throws `OPTION_INVALID`. */
export function parseSchedule(text: string): Schedule {
  return text.split(',').map((part) => {
    const [, h1, m1, h2, m2] = SPAN.exec(part.trim()) ?? [];
    const from = 60 * Number(h1) + Number(m1);
    const to = 60 * Number(h2) + Number(m2);
    if (!(from !== to && to <= 24 * 60))
      throw new CliError(
        { code: 'OPTION_INVALID', option: '--schedule' },
        `--schedule takes spans such as 22:00-07:00 separated by commas, not "${part}"`,
      );
    return { from, to };
  });
}

/** Whether the time is in one of the spans. */
export function isScheduled(schedule: Schedule, time: Date): boolean {
  const minute = 60 * time.getHours() + time.getMinutes();
  return schedule.some(({ from, to }) =>
    from < to ? minute >= from && minute < to : minute >= from || minute < to,
  );
}
