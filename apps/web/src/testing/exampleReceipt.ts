/** @file A receipt as a server signs it, with the submission it is about; for tests only. */
import {
  type HashHex,
  type KeyPair,
  leafHash,
  merkleTree,
  type Receipt,
  type ReceiptProof,
  receiptLeaf,
  receiptMessage,
  type SignedReceipt,
  sha256Hex,
  toHex,
  utf8,
} from '@alice/protocol';

export const EXAMPLE_BLOB = Uint8Array.of(1, 2, 3);
export const EXAMPLE_STATE_ROOT: HashHex = `0x${'ab'.repeat(32)}`;

/** Needs `initCrypto()`. */
export function exampleReceipt(key: KeyPair, networkId: string, submissionId = 'one'): SignedReceipt {
  const root = EXAMPLE_STATE_ROOT;
  const drawn = { batchId: root, seed: 's', rows: 4, meanLossBeforeNats: 5, meanLossAfterNats: 4.9 };
  const receipt = {
    ...{ format: 'alice-receipt-1', networkId, serverId: key.address, dataRoot: root, submissionId },
    ...{ taskId: 't', address: key.address, instance: 'main', rewardAddress: key.address, round: 3 },
    ...{ baseVersion: 2, blob: { hash: sha256Hex(EXAMPLE_BLOB), sizeBytes: 3 }, steps: 16, tokens: 4096 },
    ...{ outcome: 'accepted', code: null, mergedRound: 3, rowLength: 129, stepFraction: 0.25 },
    looks: [{ version: 2, stateRoot: root, drawn }],
    ...{ gainNats: 0.1, standardErrorNats: 0.01, work: null, verifiedTokens: 4096, score: '100' },
  } as Receipt;
  return { receipt, signature: toHex(key.sign(receiptMessage(receipt))) };
}

/** The epoch that paid it beside another receipt, as server and chain would tell. */
export function exampleInclusion(signed: SignedReceipt, epoch: number) {
  const leaves = [utf8.encode('another receipt'), receiptLeaf(signed)].map(leafHash);
  const { root, proof } = merkleTree(leaves);
  const { submissionId } = signed.receipt;
  const { path, ...place } = proof(1);
  return {
    epoch,
    proof: async (): Promise<ReceiptProof> => ({
      ...{ epoch, submissionId, receiptsRoot: root, path: [...path] },
      ...place,
    }),
    settledRoot: async (): Promise<HashHex> => root,
  };
}
