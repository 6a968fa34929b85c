/** @file Where every validator of a local network stands, asked of each over its own RPC. */

export interface ValidatorHeight {
  readonly name: string;
  readonly url: string;
  /** `undefined` while it does not answer. */
  readonly height: number | undefined;
  readonly headHash: string | undefined;
  readonly poolCount: number;
}

const ANSWER_WITHIN_MS = 5000;

/** Asks all at once; who does not answer in time has no height. */
export function readHeights(of: readonly { name: string; url: string }[]): Promise<ValidatorHeight[]> {
  return Promise.all(
    of.map(async ({ name, url }) => {
      try {
        const health = await rpc<{ headNumber: number; headHash: string; poolCount: number }>(
          url,
          'alice_health',
        );
        return {
          name,
          url,
          height: health.headNumber,
          headHash: health.headHash,
          poolCount: health.poolCount,
        };
      } catch {
        return { name, url, height: undefined, headHash: undefined, poolCount: 0 };
      }
    }),
  );
}

/** The hash that every validator has for a block; more than one different hash would be a fork. */
export function readBlockHashes(urls: readonly string[], height: number): Promise<string[]> {
  return Promise.all(urls.map((url) => rpc<string>(url, 'chain_getBlockHash', height)));
}

async function rpc<T>(url: string, method: string, ...params: unknown[]): Promise<T> {
  const response = await fetch(url, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  const { result, error } = (await response.json()) as { result: T; error?: { message: string } };
  if (error) throw new Error(error.message);
  return result;
}
