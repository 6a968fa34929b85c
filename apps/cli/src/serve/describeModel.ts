/** @file What the served model is, asked of the network without loading any weights, so that an unused endpoint stays small. */
import { errorCodeOf, ServerClient } from '@alice/protocol';
import type { ModelCard } from './ModelCard.js';
import { ServeError } from './serveError.js';

const FRESH_MS = 1_000;

/** Throws `model_unavailable` while the network does not answer and never did. */
export function describeNetworkModel(url: string): () => Promise<ModelCard> {
  const client = new ServerClient({ url, attempts: 1 });
  let known: ModelCard | undefined;
  let knownMs = Number.NEGATIVE_INFINITY;
  return async () => {
    if (known && performance.now() - knownMs < FRESH_MS) return known;
    try {
      const [network, latest] = await Promise.all([client.network(), client.latestVersion()]);
      const { name, context } = network.model;
      known = {
        ...{ name, context, parameters: (latest.snapshot?.sizeBytes ?? 0) / 2 },
        ...{ tokenizerId: network.tokenizer, version: latest.version, stateRoot: latest.stateRoot },
        createdAtMs: latest.createdAtMs,
      };
      knownMs = performance.now();
      return known;
    } catch (error) {
      if (known) return known;
      throw unavailable(url, error);
    }
  };
}

/** `model_unavailable` for a network that does not answer; any other error as it is. */
export function unavailable(url: string, error: unknown): unknown {
  if (!/^(SERVER_UNREACHABLE|SERVER_REFUSED)$/.test(errorCodeOf(error) ?? '')) return error;
  return new ServeError(
    { code: 'model_unavailable', param: null },
    `the network at ${url} does not answer, so its model is not at hand: try again`,
    { cause: error },
  );
}
