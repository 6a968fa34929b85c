/**
 * @file A model as the inference thread holds it: weights, tokenizer and decoder of a checkpoint folder or of the newest
 * published version, replaced when the network publishes another. Runs in a worker thread only.
 */
import {
  createDecoder,
  type Decoder,
  type ModelConfig,
  openCheckpoint,
  openTokenizer,
  parameterCount,
  type Tokenizer,
} from '@alice/model';
import { initCrypto, keyPairFromSeed } from '@alice/protocol';
import { PublishedModelReader } from '../training/PublishedModelReader.js';
import type { ModelCard } from './ModelCard.js';

/** Where the weights come from, as it crosses to the thread. */
export type ModelOrigin =
  | { readonly kind: 'folder'; readonly dir: string }
  /** `seed`: of the key this reader registers with. */
  | { readonly kind: 'server'; readonly url: string; readonly seed: Uint8Array; readonly instance: string };

export interface Loaded {
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  readonly card: ModelCard;
  readonly tokenizer: Tokenizer;
  readonly decoder: Decoder;
}

export interface ServedModel {
  /** The model to write with now, newer than before if there is a newer one. */
  current(): Promise<Loaded>;
  close(): Promise<void>;
}

/** Throws what opening a checkpoint or reading a network throws, when first used. */
export function servedModel(origin: ModelOrigin, threads: number): ServedModel {
  const next = origin.kind === 'folder' ? folderReader(origin.dir) : networkReader(origin);
  let loaded: Loaded | undefined;
  return {
    async current() {
      const found = await next();
      if (found) {
        const { config, parameters, card } = found;
        const tokenizer =
          loaded?.tokenizer.id === card.tokenizerId
            ? loaded.tokenizer
            : await openTokenizer(card.tokenizerId);
        await loaded?.decoder.dispose();
        loaded = {
          config,
          parameters,
          card,
          tokenizer,
          decoder: createDecoder({ config, parameters, threads }),
        };
      }
      if (!loaded) throw new Error('a reader gives a model when first asked');
      return loaded;
    },
    async close() {
      await loaded?.decoder.dispose();
      loaded = undefined;
    },
  };
}

interface Found {
  readonly config: ModelConfig;
  readonly parameters: Float32Array;
  readonly card: ModelCard;
}

/** Gives a model when there is another than before. */
type Reader = () => Promise<Found | undefined>;

function folderReader(dir: string): Reader {
  let isRead = false;
  return async () => {
    if (isRead) return undefined;
    const checkpoint = await openCheckpoint(dir);
    try {
      const { config, facts } = checkpoint;
      const parameters = await checkpoint.parameters();
      const { version, stateRoot, tokenizerId } = facts;
      isRead = true;
      return {
        config,
        parameters,
        card: cardOf(config, { tokenizerId, version, stateRoot, createdAtMs: 0 }),
      };
    } finally {
      await checkpoint.close();
    }
  };
}

function networkReader({ url, seed, instance }: ModelOrigin & { kind: 'server' }): Reader {
  let reader: PublishedModelReader | undefined;
  return async () => {
    await initCrypto();
    reader ??= new PublishedModelReader({ url, instance, key: keyPairFromSeed(seed) });
    const model = await reader.latest();
    return model && { ...model, card: cardOf(model.config, model) };
  };
}

function cardOf(
  config: ModelConfig,
  facts: Pick<ModelCard, 'tokenizerId' | 'version' | 'stateRoot' | 'createdAtMs'>,
): ModelCard {
  const { tokenizerId, version, stateRoot, createdAtMs } = facts;
  return {
    ...{ name: config.name, context: config.context, parameters: parameterCount(config) },
    ...{ tokenizerId, version, stateRoot, createdAtMs },
  };
}
