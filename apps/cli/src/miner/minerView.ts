/**
 * @file A miner's events for a person: log lines, and on a terminal a bar for what takes its time (downloads, the steps of
 * a task). Elsewhere downloads show a line now and then, and steps nothing: a service's log would hold little else.
 */
import type { MinerEvent } from '@alice/miner';
import type { Logger } from '@alice/protocol';
import { proxyHint } from '../process/proxy.js';
import { createProgress, type Progress, type ProgressPorts } from '../progressBar.js';
import { isDrawable } from '../terminal/LiveLines.js';
import { eventSentence } from './eventSentence.js';

export interface MinerViewOptions {
  /** Log lines only. */
  readonly quiet: boolean;
  readonly ports?: ProgressPorts;
}

/** Gives what is to be called with each event. */
export function minerView(
  log: Logger,
  { quiet, ports = { output: process.stderr, nowMs: Date.now } }: MinerViewOptions,
): (event: MinerEvent) => void {
  let shown: { readonly label: string; readonly progress: Progress } | undefined;
  const stop = (): void => {
    shown?.progress.stop();
    shown = undefined;
  };
  const show = ({ label, unit, scale, done, total }: Amount): void => {
    if (shown?.label !== label) {
      stop();
      shown = { label, progress: createProgress(label, { unit, scale, quiet }, ports) };
    }
    shown.progress.update(done, total);
    if (done >= total) stop();
  };
  let isReached = false;
  return (event) => {
    if (event.type === 'registered') isReached = true;
    if (event.type === 'retrying' && event.code === 'SERVER_UNREACHABLE' && !isReached) {
      isReached = true; // said once
      log.warn(`${NOT_REACHED}${proxyHint()}`);
    }
    const amount = amountOf(event);
    if (amount && (event.type === 'download' || isDrawable(ports.output))) return show(amount);
    if (event.type === 'download' || event.type === 'layer') return;
    stop();
    if (quiet || event.type === 'step') describe(event, log);
    else tell(event, log);
  };
}

interface Amount {
  readonly label: string;
  readonly unit: string;
  readonly scale: number;
  readonly done: number;
  readonly total: number;
}

const NOT_REACHED =
  'The server does not answer: check --server, or start a network with "alice up". It is asked again until it does';
const LABELS = { model: 'downloading the model', data: 'downloading tokens' } as const;

function amountOf(event: MinerEvent): Amount | undefined {
  if (event.type === 'download') {
    const { what, doneBytes, totalBytes } = event;
    return { label: LABELS[what], unit: 'MB', scale: 1e-6, done: doneBytes, total: totalBytes };
  }
  if (event.type === 'layer')
    return { label: 'training', unit: 'layers', scale: 1, done: event.done, total: event.total };
  if (event.type !== 'step') return undefined;
  return { label: 'training', unit: 'steps', scale: 1, done: event.step + 1, total: event.steps };
}

/** For people: one sentence; the figures only where they ask for everything. */
function tell(event: Exclude<MinerEvent, { type: 'download' | 'layer' | 'step' }>, log: Logger): void {
  const { type, ...facts } = event;
  const sentence = eventSentence(event);
  if (type === 'retrying' || type === 'dropped' || type === 'clockOff') log.warn(sentence);
  else if (type === 'task') log.debug(sentence, facts);
  else log.info(sentence);
  if (type !== 'task') log.debug(SENTENCES[type], facts);
}

function describe(event: Exclude<MinerEvent, { type: 'download' | 'layer' }>, log: Logger): void {
  const { type, ...facts } = event;
  if (type === 'retrying' || type === 'dropped' || type === 'clockOff') log.warn(SENTENCES[type], facts);
  else if (type === 'step' || type === 'task') log.debug(SENTENCES[type], facts);
  else log.info(SENTENCES[type], facts);
}

const SENTENCES: Readonly<Record<Exclude<MinerEvent['type'], 'download' | 'layer'>, string>> = {
  registered: 'Registered',
  synced: 'Model is up to date',
  task: 'Task received',
  trained: 'Trained',
  submitted: 'Update sent',
  accepted: 'Update accepted',
  refused: 'Update refused',
  opened: 'State of earlier runs opened',
  step: 'Inner step',
  dropped: 'Task dropped',
  retrying: 'Waiting before trying again',
  holding: 'No task is taken now',
  clockOff: "This computer's clock differs from the server's: set it, or certificates may be refused",
};
