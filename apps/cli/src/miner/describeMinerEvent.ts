/** @file A miner's events as log lines for a person. */
import type { MinerEvent } from '@alice/miner';
import type { Logger } from '@alice/protocol';

export function describeMinerEvent(event: MinerEvent, log: Logger): void {
  const { type, ...facts } = event;
  if (type === 'retrying' || type === 'dropped' || type === 'clockOff') log.warn(SENTENCES[type], facts);
  else if (type === 'step' || type === 'task') log.debug(SENTENCES[type], facts);
  else log.info(SENTENCES[type], facts);
}

const SENTENCES: Readonly<Record<MinerEvent['type'], string>> = {
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
