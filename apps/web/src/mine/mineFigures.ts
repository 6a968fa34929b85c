/**
 * @file What the mine page shows, made from the miner's events by one pure function. Sums are of this visit; what the
 * network knows of the miner in all comes from the server's status and from the chain.
 */
import type { MinerEvent } from '@alice/miner/browser';
import type { DeviceReport } from './minerCalls.js';

export interface LogLine {
  readonly atMs: number;
  readonly text: string;
  readonly kind: 'plain' | 'good' | 'bad';
}

export interface MineFigures {
  readonly address: string | undefined;
  readonly device: DeviceReport | undefined;
  /** What it is doing, as a phrase for a person. */
  readonly activity: string;
  readonly step: { readonly done: number; readonly of: number; readonly lossNats: number } | undefined;
  /** Of the last finished task. */
  readonly tokensPerSec: number | undefined;
  readonly tokens: number;
  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
  /** Why it waits, while the server cannot be reached or asks to wait. */
  readonly trouble: string | undefined;
  /** When it tries again, counted from then. */
  readonly againInMs: number;
  /** Newest first. */
  readonly log: readonly LogLine[];
}

export const NO_FIGURES: MineFigures = {
  address: undefined,
  device: undefined,
  activity: '',
  step: undefined,
  tokensPerSec: undefined,
  tokens: 0,
  sent: 0,
  accepted: 0,
  refused: 0,
  trouble: undefined,
  againInMs: 0,
  log: [],
};

const LOG_LINES = 30;

/** The figures after an event. Anything but a retry means that the server answers again. */
export function afterEvent(figures: MineFigures, event: MinerEvent, nowMs: number): MineFigures {
  if (event.type === 'retrying') {
    const waiting = { ...figures, trouble: event.reason, againInMs: event.inMs };
    if (figures.trouble === event.reason) return waiting;
    return logged(waiting, { atMs: nowMs, text: event.reason, kind: 'bad' });
  }
  const next = counted({ ...figures, trouble: undefined }, event);
  const line = lineOf(event);
  return line === undefined ? next : logged(next, { atMs: nowMs, ...line });
}

export function logged(figures: MineFigures, line: LogLine): MineFigures {
  return { ...figures, log: [line, ...figures.log].slice(0, LOG_LINES) };
}

function counted(figures: MineFigures, event: Exclude<MinerEvent, { type: 'retrying' }>): MineFigures {
  switch (event.type) {
    case 'registered':
      return { ...figures, address: event.address, activity: 'registered; fetching the model' };
    case 'opened':
      return figures;
    case 'synced':
      return { ...figures, activity: `has version ${event.version}; asking for a task` };
    case 'download': {
      const { doneBytes, totalBytes } = event;
      const part = Math.floor((100 * doneBytes) / Math.max(1, totalBytes));
      return { ...figures, activity: `fetching ${FETCHED[event.what]}: ${Math.min(100, part)} %` };
    }
    case 'task':
      return { ...figures, activity: 'fetching the tokens of a task', step: undefined };
    case 'layer':
      return { ...figures, activity: 'training' };
    case 'step': {
      const step = { done: event.step + 1, of: event.steps, lossNats: event.lossNats };
      return { ...figures, activity: 'training', step };
    }
    case 'trained': {
      const { tokensPerSec, tokens } = event;
      return { ...figures, activity: 'sending the update', tokensPerSec, tokens: figures.tokens + tokens };
    }
    case 'submitted':
      return { ...figures, activity: WAITING, step: undefined, sent: figures.sent + 1 };
    case 'accepted':
      return { ...figures, activity: 'asking for a task', accepted: figures.accepted + 1 };
    case 'refused':
      return { ...figures, refused: figures.refused + 1 };
    case 'dropped':
      return { ...figures, activity: 'asking for another task', step: undefined };
    case 'holding':
      return { ...figures, activity: event.reason };
    case 'clockOff':
      return figures;
  }
}

const FETCHED = { model: 'the model', data: 'the tokens of a task' } as const;
const WAITING = 'waiting for the verdict and the next task';

function lineOf(event: MinerEvent): Omit<LogLine, 'atMs'> | undefined {
  switch (event.type) {
    case 'opened':
      return OPENED[event.state];
    case 'registered':
      return { text: `registered as ${event.address}`, kind: 'plain' };
    case 'synced':
      return event.how === 'none'
        ? undefined
        : {
            text: `model version ${event.version}, ${kilobytes(event.bytes)} of ${event.how === 'deltas' ? 'changes' : 'weights'}, state root checked`,
            kind: 'plain',
          };
    case 'trained':
      return {
        text: `trained ${event.steps} steps on ${event.tokens} tokens, mean loss ${event.lossNats.toFixed(3)} nats`,
        kind: 'plain',
      };
    case 'submitted':
      return { text: `sent an update of ${kilobytes(event.bytes)}`, kind: 'plain' };
    case 'accepted':
      return { text: `accepted${gain(event.gainNats)}`, kind: 'good' };
    case 'refused':
      return { text: `not accepted (${event.code}): ${event.reason}`, kind: 'bad' };
    case 'dropped':
      return { text: `gave up a task (${event.code}): ${event.reason}`, kind: 'bad' };
    default:
      return undefined;
  }
}

/** What was found of earlier visits. */
const OPENED: Readonly<Record<'fresh' | 'resumed' | 'damaged', Omit<LogLine, 'atMs'> | undefined>> = {
  fresh: undefined,
  resumed: { text: 'goes on with what this browser has kept', kind: 'plain' },
  damaged: { text: 'what this browser had kept could not be read: starts anew', kind: 'bad' },
};

const kilobytes = (bytes: number): string => `${Math.max(1, Math.round(bytes / 1000))} kB`;
const gain = (nats: number | null): string =>
  nats === null ? '' : `: it lowers the loss by ${nats.toFixed(4)} nats`;
