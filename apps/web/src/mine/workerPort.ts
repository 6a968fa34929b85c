/** @file The two ends of a web worker as a message port that typed calls run over. */
import type { MessagePortLike } from '@alice/protocol';

interface WebPort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
}

export function workerPort(port: WebPort): MessagePortLike {
  return {
    post: (message, transfer) => port.postMessage(message, [...transfer]),
    onMessage: (listener) => port.addEventListener('message', ({ data }) => listener(data)),
  };
}
