/** @file The receipts of a parameter server as the page reads them; public routes, so without a token. */
import type { ReceiptList, ReceiptProof, SignedReceipt, VersionManifest } from '@alice/protocol';
import { WebError } from '../errors.js';

export const readReceipts = (address: string): Promise<ReceiptList> =>
  read(`v1/miners/${encodeURIComponent(address)}/receipts`).then((answer) => answer.json());

export const readReceipt = (submissionId: string): Promise<SignedReceipt> =>
  read(`v1/receipts/${encodeURIComponent(submissionId)}`).then((answer) => answer.json());

export const readReceiptBlob = async (submissionId: string): Promise<Uint8Array> =>
  new Uint8Array(await (await read(`v1/receipts/${encodeURIComponent(submissionId)}/blob`)).arrayBuffer());

export const readReceiptProof = (epoch: number, submissionId: string): Promise<ReceiptProof> =>
  read(`v1/epochs/${epoch}/receipts/${encodeURIComponent(submissionId)}/proof`).then((answer) =>
    answer.json(),
  );

export const readVersion = (version: number): Promise<VersionManifest> =>
  read(`v1/versions/${version}`).then((answer) => answer.json());

/** Throws `SERVER_REFUSED` with the server's own words. */
async function read(path: string): Promise<Response> {
  const answer = await fetch(path, { cache: 'no-store' });
  if (answer.ok) return answer;
  const { message } = (await answer.json().catch(() => ({}))) as { message?: string };
  throw new WebError(
    { code: 'SERVER_REFUSED', status: answer.status },
    message ?? `the parameter server answered with status ${answer.status}`,
  );
}
