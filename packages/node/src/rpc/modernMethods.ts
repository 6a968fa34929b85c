/**
 * @file The names of Substrate's newer JSON-RPC specification that this node serves (over WebSocket only), and which
 * requests belong to it. How they are served: `ModernConnection.ts`. `chainSpec_v1` needs no translation and is with
 * the `system_` methods.
 */

/** A request that passed the checks of JSON-RPC itself. */
export interface ModernRequest {
  readonly id: string | number | null | undefined;
  readonly method: string;
  readonly params: unknown;
}

const GROUPS: Readonly<Record<string, readonly string[]>> = {
  chainHead: [
    ...['body', 'call', 'continue', 'follow', 'header', 'stopOperation'],
    ...['storage', 'unfollow', 'unpin'],
  ],
  archive: [
    ...['body', 'call', 'finalizedHeight', 'genesisHash', 'hashByHeight', 'header'],
    ...['stopStorage', 'storage'],
  ],
  transaction: ['broadcast', 'stop'],
};

export const modernMethodNames: readonly string[] = Object.entries(GROUPS).flatMap(([group, names]) =>
  names.map((name) => `${group}_v1_${name}`),
);

const known: ReadonlySet<string> = new Set(modernMethodNames);

export const isModern = (method: string): boolean => known.has(method);
