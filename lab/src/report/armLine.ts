/** @file Where an experiment stands, on one line of the terminal that is drawn over: this arm's rounds, their rate, what it still needs. */

interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export interface ArmPlace {
  /** From 1. */
  readonly arm: number;
  readonly arms: number;
  readonly id: string;
  /** How many are done. */
  readonly round: number;
  readonly rounds: number;
}

const CLEARED = '\r\u001b[2K';

/** Writes nothing but on a terminal. */
export function armLine(
  screen: Screen,
  nowMs: () => number = () => performance.now(),
): { show(place: ArmPlace): void; clear(): void } {
  const isLive = screen.isTTY === true && process.env['TERM'] !== 'dumb';
  let started: { readonly id: string; readonly round: number; readonly ms: number } | undefined;
  return {
    show(place) {
      if (!isLive) return;
      const { id, round } = place;
      if (started?.id !== id) started = { id, round, ms: nowMs() };
      const seconds = (nowMs() - started.ms) / 1000;
      screen.write(`${CLEARED}  ${placeText(place, { rounds: round - started.round, seconds })}`);
    },
    clear() {
      if (isLive) screen.write(CLEARED);
    },
  };
}

/** `done`: in how much time how many rounds were seen to pass. */
export function placeText(
  { arm, arms, id, round, rounds }: ArmPlace,
  done: { readonly rounds: number; readonly seconds: number },
): string {
  const at = `${arm}/${arms} ${id}  round ${round}/${rounds}`;
  if (done.rounds === 0 || done.seconds === 0) return at;
  const rate = done.rounds / done.seconds;
  return `${at}, ${rate.toFixed(rate < 10 ? 1 : 0)} rounds/s, ${Math.round((rounds - round) / rate)} s left`;
}
