/**
 * @file Checks a receipt in this browser: the network's server signed exactly it, the submission's bytes are those it names,
 * the weights it was measured on are those that were published. It does not compute the losses again; `alice verify-score` does.
 */
import {
  initCrypto,
  messageOf,
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
}

export async function checkReceipt(signed: SignedReceipt, source: ReceiptSource): Promise<Check[]> {
  return [
    checkNetwork(signed, source),
    await checkSignature(signed),
    await checkBytes(signed, source),
    ...(await checkRoots(signed, source)),
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
  const what = 'bytes of the submission';
  try {
    const bytes = await source.blob(receipt.submissionId);
    const hash = sha256Hex(bytes);
    const holds = hash === receipt.blob.hash && bytes.length === receipt.blob.sizeBytes;
    return { what, state: holds ? 'holds' : 'fails', detail: `${bytes.length} bytes, SHA-256 ${hash}` };
  } catch (error) {
    return { what, state: 'unknown', detail: messageOf(error) };
  }
}

/** Each version it was measured on, once. */
async function checkRoots({ receipt }: SignedReceipt, source: ReceiptSource): Promise<Check[]> {
  const measured = [...receipt.looks, ...(receipt.work ? [receipt.work] : [])];
  const roots = new Map(measured.map(({ version, stateRoot }) => [version, stateRoot]));
  return await Promise.all(
    [...roots].map(async ([version, stateRoot]): Promise<Check> => {
      const what = `weights of version ${version}`;
      try {
        const published = (await source.version(version)).stateRoot;
        return {
          what,
          state: published === stateRoot ? 'holds' : 'fails',
          detail: `state root ${published}`,
        };
      } catch (error) {
        return { what, state: 'unknown', detail: messageOf(error) };
      }
    }),
  );
}
