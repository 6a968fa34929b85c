/** @file Links to the newest weights as files, where the server has an inference endpoint that makes them. */
import type { NetworkStatus } from '@alice/protocol';
import { Inference } from '../chat/inference.js';
import { element, hint, link, section } from '../dom.js';
import { bytes } from '../format.js';
import { untilAnswered } from '../parts/untilAnswered.js';

const FORMATS = [
  ['gguf', 'GGUF, for llama.cpp and what is built on it'],
  ['safetensors', 'safetensors, for transformers'],
] as const;

export interface ModelDownloads {
  readonly node: HTMLElement;
  onStatus(status: NetworkStatus): void;
  close(): void;
}

export function modelDownloads(): ModelDownloads {
  const size = element('span');
  const list = element('ul', { class: 'list' });
  const node = section(
    'Download',
    hint(
      'The newest published version, FP16',
      size,
      '. Its state root is in the file; "alice export" makes the same.',
    ),
    list,
  );
  node.hidden = true;
  const close = untilAnswered(
    async () => {
      const inference = await Inference.find();
      if (inference) {
        const links = FORMATS.map(([format, text]) =>
          element('li', {}, link(inference.fileAddress(format), text, { download: 'alice-model' })),
        );
        list.replaceChildren(...links);
      }
      node.hidden = !inference;
      return true;
    },
    () => undefined,
  );
  return {
    ...{ node, close },
    onStatus: ({ model }) => {
      size.textContent = `, ${bytes(2 * model.parameters)}`;
    },
  };
}
