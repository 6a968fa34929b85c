/**
 * @file Checks a receipt in this browser: the network's server signed exactly it, the submission's bytes are those it names,
 * the weights it was measured on are those that were published, and the chain settled its epoch with a root that holds it.
 * It does not compute the losses again; `alice verify-score` does.
 */
import {
  type HashHex,
  initCrypto,
  merkleRootFrom,
  messageOf,
  type ReceiptProof,
  receiptLeaf,
  type SignedReceipt,
  sha256Hex,
  type VersionManifest,
  verifyReceipt,
} from '@alice/protocol';

export interface Check {
  readonly what: string;
  /** `unknown`: what it would be compared with is no longer kept. */
  readonly state: 'holds' | 'fails' | 'unknown';
  readonly detail: string;
}

export interface ReceiptSource {
  /** Of the network this page is about. */
  readonly networkId: string;
  readonly serverId: string;
  blob(submissionId: string): Promise<Uint8Array>;
  version(version: number): Promise<Pick<VersionManifest, 'stateRoot'>>;
  /** The epoch that paid it; null before there is one. */
  readonly epoch: number | null;
  proof(epoch: number, submissionId: string): Promise<ReceiptProof>;
  /** The receipts root that the chain, not the server, has of an epoch. */
  settledRoot(epoch: number): Promise<string>;
}

export async function checkReceipt(signed: SignedReceipt, source: ReceiptSource): Promise<Check[]> {
  return [
    checkNetwork(signed, source),
    await checkSignature(signed),
    await checkBytes(signed, source),
    ...(await checkRoots(signed, source)),
    await checkInclusion(signed, source),
  ];
}

function checkNetwork({ receipt }: SignedReceipt, { networkId, serverId }: ReceiptSource): Check {
  const isOwn = receipt.networkId === networkId && receipt.serverId === serverId;
  return {
    ...{ what: 'network and server', state: isOwn ? 'holds' : 'fails' },
    detail: isOwn
      ? 'those of this page'
      : `the receipt is of ${receipt.serverId}, network ${receipt.networkId}`,
  };
}

async function checkSignature(signed: SignedReceipt): Promise<Check> {
  await initCrypto();
  const holds = verifyReceipt(signed);
  return {
    ...{ what: 'signature', state: holds ? 'holds' : 'fails' },
    detail: holds ? `signed by ${signed.receipt.serverId}` : 'it was changed, or is made up',
  };
}

async function checkBytes({ receipt }: SignedReceipt, source: ReceiptSource): Promise<Check> {
  return await compared('bytes of the submission', async () => {
    const bytes = await source.blob(receipt.submissionId);
    const hash = sha256Hex(bytes);
    const holds = hash === receipt.blob.hash && bytes.length === receipt.blob.sizeBytes;
    return { holds, detail: `${bytes.length} bytes, SHA-256 ${hash}` };
  });
}

/** What cannot be had is no failure of the receipt. */
async function compared(
  what: string,
  compare: () => Promise<{ readonly holds: boolean; readonly detail: string }>,
): Promise<Check> {
  try {
    const { holds, detail } = await compare();
    return { what, state: holds ? 'holds' : 'fails', detail };
  } catch (error) {
    return { what, state: 'unknown', detail: messageOf(error) };
  }
}

/** Each version it was measured on, once. */
async function checkRoots({ receipt }: SignedReceipt, source: ReceiptSource): Promise<Check[]> {
  const measured = [...receipt.looks, ...(receipt.work ? [receipt.work] : [])];
  const roots = new Map(measured.map(({ version, stateRoot }) => [version, stateRoot]));
  return await Promise.all(
    [...roots].map(([version, stateRoot]) =>
      compared(`weights of version ${version}`, async () => {
        const published = (await source.version(version)).stateRoot;
        return { holds: published === stateRoot, detail: `state root ${published}` };
      }),
    ),
  );
}

// SPEC SCORE-5
async function checkInclusion(signed: SignedReceipt, source: ReceiptSource): Promise<Check> {
  const { epoch } = source;
  if (epoch === null)
    return { what: 'epoch', state: 'unknown', detail: 'no epoch has paid it yet; look again after the next' };
  return await compared(`receipts of epoch ${epoch} on the chain`, async () => {
    const [root, { path, ...place }] = await Promise.all([
      source.settledRoot(epoch),
      source.proof(epoch, signed.receipt.submissionId),
    ]);
    const reached = merkleRootFrom(receiptLeaf(signed), { ...place, path: path as HashHex[] });
    const detail = `receipt ${place.index + 1} of ${place.count}, root ${root}`;
    return {
      holds: reached === root,
      detail: reached === root ? detail : `${detail}; this one leads elsewhere`,
    };
  });
}
