/** @file A miner's events in words, for people who follow it; programs read the same events as JSON, with every figure. */
import type { MinerEvent } from '@alice/miner';

type Told = Exclude<MinerEvent, { type: 'download' | 'layer' | 'step' }>;

export function eventSentence(event: Told): string {
  switch (event.type) {
    case 'registered':
      return `Registered as ${event.address}`;
    case 'opened':
      return OPENED[event.state];
    case 'synced':
      return `Model is up to date: version ${event.version}${event.bytes > 0 ? `, ${size(event.bytes)} downloaded` : ''}`;
    case 'task':
      return `Task received: ${number(event.tokens)} tokens, round ${event.round}`;
    case 'trained':
      return trained(event);
    case 'submitted':
      return `Update sent: ${size(event.bytes)}`;
    case 'accepted':
      return `Update accepted${event.gainNats === null ? '' : `: a part of it lowers the held-out loss by ${event.gainNats.toFixed(4)} nats`}`;
    case 'refused':
      return `Update refused: ${event.reason} (${event.code})`;
    case 'dropped':
      return `Task dropped: ${event.reason} (${event.code})`;
    case 'retrying':
      return `${event.reason} (${event.code}); trying again in ${seconds(event.inMs)}`;
    case 'holding':
      return `No task is taken now: ${event.reason}`;
    case 'clockOff':
      return `This computer's clock differs from the server's by ${Math.round(Math.abs(event.aheadMinutes))} minutes: set it, or certificates may be refused`;
  }
}

const OPENED: Readonly<Record<Extract<Told, { type: 'opened' }>['state'], string>> = {
  fresh: 'Nothing is kept of earlier runs: it starts anew',
  resumed: 'It goes on with what an earlier run has kept',
  damaged: 'What an earlier run has kept cannot be read: it starts anew',
};

function trained({
  steps,
  tokens,
  elapsedMs,
  tokensPerSec,
  lossNats,
}: Extract<Told, { type: 'trained' }>): string {
  return `Trained ${steps} steps on ${number(tokens)} tokens in ${seconds(elapsedMs)} (${number(tokensPerSec)} tokens/s), mean loss ${lossNats.toFixed(3)} nats`;
}

const number = (value: number): string => Math.round(value).toLocaleString('en-US');
const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const size = (bytes: number): string =>
  bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.ceil(bytes / 1e3)} kB`;
