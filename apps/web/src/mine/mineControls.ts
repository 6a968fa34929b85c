/** @file Start, pause, stop, and one sentence that says how mining stands; screen readers hear that sentence only. */
import { button, element } from '../dom.js';
import type { MineState, PauseReason } from './BrowserMiner.js';

export interface MineActions {
  start(): void;
  stop(): void;
  pause(on: boolean): void;
}

export interface MineControls {
  readonly node: HTMLElement;
  show(state: MineState): void;
}

const BECAUSE: Readonly<Record<PauseReason, string>> = {
  person: 'you asked for it',
  hidden: 'this tab is hidden',
  battery: 'the computer runs on battery',
};

export function mineControls(actions: MineActions): MineControls {
  let isPaused = false;
  const start = button('Start mining', () => actions.start(), 'main');
  const pause = button('Pause', () => actions.pause(!isPaused));
  const stop = button('Stop', () => actions.stop());
  const said = element('p', { class: 'notice', role: 'status' });
  const again = element('p', { class: 'hint' });
  const problem = element('p', { class: 'problem', role: 'alert' });
  const steps = element('progress', { max: '1', 'aria-label': 'Steps of this task' });
  const atStep = element('span', { class: 'hint' });
  const progress = element('p', { class: 'row' }, steps, atStep);
  return {
    node: element(
      'div',
      {},
      element('p', { class: 'row' }, start, pause, stop),
      said,
      progress,
      again,
      problem,
    ),
    show: (state) => {
      const { phase, pausedBy, figures } = state;
      const isOff = phase === 'off';
      isPaused = pausedBy.includes('person');
      moveFocus(start, pause, isOff);
      for (const node of [pause, stop]) node.hidden = isOff;
      start.hidden = !isOff;
      stop.disabled = phase === 'stopping';
      pause.textContent = isPaused ? 'Resume' : 'Pause';
      const isRunning = phase === 'mining' && pausedBy.length === 0;
      say(said, sentence(state), `notice ${isRunning && figures.trouble === undefined ? 'live' : 'waiting'}`);
      const isWaiting = !isOff && figures.trouble !== undefined;
      say(again, isWaiting ? `trying again in ${Math.ceil(figures.againInMs / 1000)} s` : '', 'hint');
      say(problem, state.problem ?? '', 'problem');
      const { step } = figures;
      progress.hidden = step === undefined;
      steps.value = step === undefined ? 0 : step.done / step.of;
      atStep.textContent =
        step === undefined ? '' : `step ${step.done} of ${step.of}, loss ${step.lossNats.toFixed(3)} nats`;
    },
  };
}

/** The button that was pressed goes away; whoever uses the keyboard goes on with the one in its place. */
function moveFocus(start: HTMLButtonElement, pause: HTMLButtonElement, isOff: boolean): void {
  const [from, to] = isOff ? [pause, start] : [start, pause];
  if (document.activeElement !== from || from.hidden) return;
  to.hidden = false;
  to.focus();
}

function say(node: HTMLElement, text: string, className: string): void {
  node.hidden = text === '';
  node.className = className;
  if (node.textContent !== text) node.textContent = text;
}

function sentence({ phase, pausedBy, figures }: MineState): string {
  if (phase === 'off') return 'not mining';
  if (phase === 'stopping') return 'stopping after the step it is in';
  if (pausedBy.length > 0)
    return `paused, because ${pausedBy.map((reason) => BECAUSE[reason]).join(' and ')}`;
  if (figures.trouble !== undefined) return `waiting: ${figures.trouble}`;
  return phase === 'starting' ? `starting: ${figures.activity}` : `mining: ${figures.activity}`;
}
