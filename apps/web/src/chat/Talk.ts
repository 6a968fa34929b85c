/** @file The turns of a conversation as they stand on the page; a turn being written is announced once it is whole. */
import { element, hint } from '../dom.js';

export interface Turn {
  /** Adds to what is said. */
  say(piece: string): void;
  /** The turn is whole: `note` says what to know about it. */
  end(note: string): void;
  readonly text: string;
}

export class Talk {
  readonly node = element('ol', { class: 'talk', 'aria-label': 'What was said', 'aria-live': 'polite' });

  /** `who`: as the reader is told; `mine`: what the person wrote. */
  add(who: string, kind: 'mine' | 'model'): Turn {
    const words = element('div', { class: 'words' });
    const foot = hint();
    const item = element('li', { class: kind, 'aria-busy': 'true' }, element('b', {}, who), words, foot);
    this.node.append(item);
    let text = '';
    return {
      say: (piece) => {
        text += piece;
        words.textContent = text.replace(/\n{3,}/g, '\n\n'); // a young model fills pages with empty lines
        item.scrollIntoView({ block: 'nearest' });
      },
      end: (note) => {
        foot.textContent = note;
        item.removeAttribute('aria-busy');
      },
      get text() {
        return text;
      },
    };
  }

  clear(): void {
    this.node.replaceChildren();
  }
}
