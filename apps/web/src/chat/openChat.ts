/**
 * @file The chat page: a conversation with the newest version of the model, or one's own text continued by it. What is
 * said stays in this tab; the endpoint gets the conversation anew with each turn and keeps nothing.
 */
import { messageOf } from '@alice/protocol';
import { button, element, freshId, hint, section } from '../dom.js';
import { count } from '../format.js';
import { choice } from '../parts/choice.js';
import { untilAnswered } from '../parts/untilAnswered.js';
import type { View } from '../view.js';
import { Inference, type Message, type Written } from './inference.js';
import { Talk } from './Talk.js';

type Mode = 'answer' | 'continue';

const LABELS: Readonly<Record<Mode, string>> = {
  answer: 'Your message',
  continue: 'The beginning of a text',
};
/** For who has no beginning at hand; of the kind of text that the built-in corpus holds, and of another. */
const BEGINNINGS = ['The people of the United States', 'Call me', 'Once upon a time'];
const MAX_TOKENS = 120;
const TEMPERATURE = 0.8;

export function openChat(): View {
  const notice = element('p', { class: 'notice', role: 'status' }, 'looking for the model …');
  const tell = (state: 'live' | 'waiting', text: string): void => {
    notice.className = `notice ${state}`;
    if (notice.textContent !== text) notice.textContent = text;
  };
  let inference: Inference | undefined;
  const conversation = chatForm(() => inference);
  const stopLooking = untilAnswered(
    async () => {
      inference = await Inference.find();
      if (!inference) {
        tell(
          'waiting',
          'this server has no inference endpoint; "alice up" brings one, or "alice serve" and "alice server --inference URL"',
        );
        return true;
      }
      const { id, version, parameters, context_length } = await inference.model();
      tell(
        'live',
        `${id}, version ${version ?? 'unpublished'}, ${count(parameters)} parameters, remembers ${context_length} tokens`,
      );
      conversation.setReady(true);
      return true;
    },
    (error) => tell('waiting', `the model cannot be reached: ${messageOf(error)}; trying again`),
  );
  return {
    title: 'Chat',
    node: element(
      'div',
      {},
      element('h1', { tabindex: '-1' }, 'Talk to the model'),
      notice,
      section('Conversation', ...conversation.nodes),
    ),
    onStatus: ({ versions, model }) => {
      const newest = versions.at(-1);
      if (newest && notice.classList.contains('live'))
        tell('live', `alice-${model.name}, version ${newest.version}, ${count(model.parameters)} parameters`);
    },
    close: () => {
      stopLooking();
      conversation.stop();
    },
  };
}

interface ChatForm {
  readonly nodes: readonly HTMLElement[];
  setReady(isReady: boolean): void;
  stop(): void;
}

function chatForm(inference: () => Inference | undefined): ChatForm {
  const talk = new Talk();
  let mode: Mode = 'continue';
  let messages: Message[] = [];
  let running: AbortController | undefined;
  const id = freshId();
  const input = element('textarea', { id, rows: '3', maxlength: '4000' });
  const label = element('label', { for: id }, LABELS[mode]);
  const send = element('button', { type: 'submit', class: 'main', disabled: '' }, 'Send');
  const stop = button('Stop', () => running?.abort());
  const problem = element('p', { class: 'problem', role: 'alert' });
  const anew = (): void => {
    running?.abort();
    messages = [];
    talk.clear();
    problem.textContent = '';
    input.focus();
  };
  let isReady = false;
  const show = (): void => {
    send.disabled = !isReady || running !== undefined;
    stop.disabled = running === undefined;
  };
  const say = async (text: string): Promise<void> => {
    const endpoint = inference();
    if (!endpoint || running) return;
    const mine = new AbortController();
    running = mine;
    problem.textContent = '';
    show();
    if (mode === 'answer') speak(talk, 'You', text);
    const turn = talk.add('Alice', 'model');
    if (mode === 'continue') turn.say(text);
    const turns: Message[] = [...messages, { role: 'user', content: text }];
    try {
      const startMs = performance.now();
      const written = await endpoint.write(mode === 'answer' ? { messages: turns } : { prompt: text }, {
        ...{ maxTokens: MAX_TOKENS, temperature: TEMPERATURE, signal: mine.signal },
        onPiece: (piece) => turn.say(piece),
      });
      turn.end(noteOf(written, performance.now() - startMs));
      if (turn.text.trim() === '') turn.say('(nothing: it ended at once)');
      if (mode === 'answer') messages = [...turns, { role: 'assistant', content: turn.text }];
    } catch (error) {
      turn.end(mine.signal.aborted ? 'stopped' : 'not finished');
      if (!mine.signal.aborted) problem.textContent = messageOf(error);
    }
    running = undefined;
    show();
  };
  const tries = element(
    'div',
    { class: 'row', role: 'group', 'aria-label': 'Beginnings to try' },
    element('span', { class: 'hint' }, 'Try'),
    ...BEGINNINGS.map((text) =>
      button(`${text} …`, () => {
        input.value = text;
        submit();
      }),
    ),
  );
  const form = element(
    'form',
    { class: 'stack' },
    element('div', { class: 'field wide' }, label, input),
    element('div', { class: 'row' }, send, stop, button('Begin anew', anew)),
    tries,
    problem,
  );
  const submit = (): void => {
    const text = mode === 'answer' ? input.value.trim() : input.value;
    if (text === '' || send.disabled) return;
    if (mode === 'answer') input.value = '';
    void say(text);
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    submit();
  });
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit();
  });
  show();
  const modes = choice<Mode>({
    legend: 'What the model does',
    options: [
      ['continue', 'continues your text'],
      ['answer', 'answers you'],
    ],
    onChange: (value) => {
      mode = value;
      label.textContent = LABELS[value];
      tries.hidden = value === 'answer';
      anew();
    },
  });
  return {
    nodes: [
      modes,
      hint(
        'The network trains a base model: it learns to continue texts, and was not taught to answer. The younger it is, the stranger what it writes. Enter sends, Shift and Enter begin a line.',
      ),
      talk.node,
      form,
    ],
    setReady: (ready) => {
      isReady = ready;
      show();
    },
    stop: () => running?.abort(),
  };
}

function speak(talk: Talk, who: string, text: string): void {
  const turn = talk.add(who, 'mine');
  turn.say(text);
  turn.end('');
}

function noteOf({ fingerprint, tokens }: Written, elapsedMs: number): string {
  const version = /^v(\d+)/.exec(fingerprint)?.[1];
  const speed = elapsedMs > 0 ? `, ${((1000 * tokens) / elapsedMs).toFixed(0)} tokens/s` : '';
  return `${version === undefined ? 'unpublished weights' : `version ${version}`}, ${tokens} tokens${speed}`;
}
