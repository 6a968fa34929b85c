/**
 * @file What tests of a running network ask of it: wait for heights, send transfers, wait for their blocks, and compare
 * the chains of all nodes block by block, with CometBFT's signed headers beside them.
 */
import assert from 'node:assert/strict';
import {
  encodeCall,
  type HexString,
  keyPairFromSecret,
  PLANCK_PER_ALICE,
  signExtrinsicV4,
  toHex,
} from '@alice/protocol';
import type { NetworkNode } from './CometNetwork.js';

export const pause = (ms = 50): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Resolves when every node has block `height`. */
export async function reach(of: readonly NetworkNode[], height: number): Promise<void> {
  for (const node of of) while ((await node.height()) < height) await pause();
}

export async function highest(of: readonly NetworkNode[]): Promise<number> {
  return Math.max(...(await Promise.all(of.map((node) => node.height()))));
}

/** The height at which all stand still after a cut; what was decided before it may still arrive. */
export async function standstill(of: readonly NetworkNode[]): Promise<number> {
  let still = await highest(of);
  for (let quiet = 0; quiet < 6; quiet++) {
    await pause(500);
    const now = await highest(of);
    if (now !== still) quiet = 0;
    still = now;
  }
  return still;
}

/** Sends 1 ALICE to Dave through a node; resolves with the hash when its pool took it. */
export async function sendTransfer(through: NetworkNode, secret: string, nonce: number): Promise<HexString> {
  const call = encodeCall.transferKeepAlive({
    to: keyPairFromSecret('//Dave').address,
    planck: PLANCK_PER_ALICE,
  });
  const genesisHash = await through.ask<HexString>('chain_getBlockHash', 0);
  const keyPair = keyPairFromSecret(secret);
  const versions = await through.ask<{ specVersion: number; transactionVersion: number }>(
    'state_getRuntimeVersion',
  );
  const extrinsic = signExtrinsicV4({ call, keyPair, nonce, genesisHash, ...versions });
  return through.ask<HexString>('author_submitExtrinsic', toHex(extrinsic));
}

/** The number of the block that holds the transaction, once this node has it. */
export async function included(on: NetworkNode, hash: HexString): Promise<number> {
  for (;;) {
    const status = await on.ask<{ status: string; blockNumber?: number; error?: string }>(
      'alice_extrinsicStatus',
      hash,
    );
    assert.equal(status.error, undefined);
    if (status.status === 'included') return status.blockNumber!;
    await pause();
  }
}

/** The chain up to `height` as every node has it: equal, without gaps, and signed by CometBFT. */
export async function assertOneChain(of: readonly NetworkNode[], height: number): Promise<void> {
  await reach(of, height);
  const chains = await Promise.all(
    of.map((node) => node.ask<string[]>('chain_getBlockHash', [...Array(height + 1).keys()])),
  );
  for (const chain of chains) assert.deepEqual(chain, chains[0]);
  let parent: string | undefined;
  for (const hash of chains[0]!) {
    const header = await of[0]!.ask<{ parentHash: string }>('chain_getHeader', hash);
    if (parent) assert.equal(header.parentHash, parent);
    parent = hash;
  }
  const { app_hash: appHash } = (await cometCommit(of[0]!, height)).header;
  assert.equal(
    `0x${appHash.toLowerCase()}`,
    chains[0]![height - 1],
    'CometBFT’s header carries the hash of the derived header before it',
  );
}

/** How many blocks up to `height` hold the transaction: exactly one, whatever went wrong meanwhile. */
export async function occurrences(
  on: NetworkNode,
  extrinsicHash: HexString,
  height: number,
): Promise<number> {
  const { blake2 } = await import('../trie/blake2.js');
  let count = 0;
  for (let number = 1; number <= height; number++) {
    const hash = await on.ask<string>('chain_getBlockHash', number);
    const { block } = await on.ask<{ block: { extrinsics: HexString[] } }>('chain_getBlock', hash);
    for (const hex of block.extrinsics)
      if (toHex(blake2(new Uint8Array(Buffer.from(hex.slice(2), 'hex')))) === extrinsicHash) count++;
  }
  return count;
}

interface CometCommit {
  readonly header: { readonly app_hash: string; readonly validators_hash: string };
  readonly commit: { readonly block_id: { readonly hash: string } };
}

/** CometBFT's own header of a height and the signatures on it. */
export async function cometCommit(of: NetworkNode, height: number): Promise<CometCommit> {
  const response = await fetch(`${of.cometRpcUrl}/commit?height=${height}`);
  const { result } = (await response.json()) as { result: { signed_header: CometCommit } };
  return result.signed_header;
}
