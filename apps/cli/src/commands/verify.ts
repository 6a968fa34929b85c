/** @file `alice verify-score`: what a server measured, measured again by anyone. */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ChainClient, messageOf, type Receipt, type SignedReceipt } from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { CliError } from '../errors.js';
import { createLifecycle } from '../process/lifecycle.js';
import { withProgress } from '../progressBar.js';
import type { Evidence } from '../verify/evidence.js';
import type { PublishedArtefacts } from '../verify/PublishedArtefacts.js';
import { watchLosses } from '../verify/watchLosses.js';
import { DEFAULT_DIR, DEFAULT_SERVER_URL } from './common.js';

interface ScoreFlags {
  submission?: string;
  server: string;
  data: string;
  blob?: string;
  save?: string;
  chain?: string;
  tolerance: string;
  threads: string;
  json?: boolean;
}

export function verifyScoreCommand(): Command {
  return new Command('verify-score')
    .description('measure again what a signed receipt says about a submission')
    .argument('[receipt]', 'file with the receipt, or a folder made with --save')
    .option('--submission <id>', 'take the receipt from the server instead of a file')
    .option('--server <url>', 'parameter server with the weights and the submission', DEFAULT_SERVER_URL)
    .option('--data <dir>', 'the dataset, validation shards included', join(DEFAULT_DIR, 'data'))
    .option('--blob <file>', "the submission's bytes, instead of downloading them")
    .option('--save <folder>', 'also keep all that it takes, to measure again without a server')
    .option('--chain <url>', 'also check that the receipt is among those its epoch settled with on the chain')
    .option('--tolerance <nats>', 'largest difference of a mean loss', '0.0001')
    .option('--threads <n>', 'processor threads', '1')
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
A receipt holds what a server measured, on which weights, rows and bytes, with its signature. This checks the
signature, draws the same rows, applies the same delta and compares every loss. Exit code 0: it holds. A receipt that
was changed, or does not hold, is refused with a code: RECEIPT_SIGNATURE_INVALID, SCORE_DIFFERS, RECEIPT_…

With --chain it also checks that the receipt is one of those its epoch has paid: the path to the root that the chain
settled the epoch with comes from GET /v1/epochs/N/receipts/SUBMISSION/proof, the root from the chain itself.

Receipts are public: GET /v1/miners/ADDRESS/receipts lists them, GET /v1/receipts/SUBMISSION is one. They are signed
one version after the round has ended, because the rows stay secret until then. A folder made with --save holds receipt,
bytes and weights: with it and the dataset nothing is asked of a server.

Examples:
  alice verify-score --submission 3f0c… --server http://127.0.0.1:8420 --data .alice/data
  alice verify-score --submission 3f0c… --chain http://127.0.0.1:9944
  alice verify-score receipt.json --data ./shards
  alice verify-score --submission 3f0c… --save evidence && alice verify-score evidence`,
    )
    .action(async (file: string | undefined, flags: ScoreFlags) => {
      const { signal } = createLifecycle();
      const [{ paidInEpoch }, { openReceipt, verifyScore }, { openDataset }, { createLossFunction }] =
        await Promise.all([
          import('../verify/paidInEpoch.js'),
          import('@alice/server'),
          import('@alice/data'),
          import('@alice/model'),
        ]);
      const { evidence, artefacts } = await evidenceOf(file, flags, signal);
      const value = await evidence.receipt();
      const receipt = openReceipt(value, evidence.serverId);
      const { chain } = flags;
      const epoch =
        chain === undefined || artefacts === undefined
          ? undefined
          : await paidInEpoch(value as SignedReceipt, { artefacts, chain: new ChainClient({ url: chain }) });
      const lossFunction = await createLossFunction(evidence.config, {
        batch: 8,
        sequenceLength: receipt.rowLength - 1,
        threads: numberOf('--threads', flags.threads),
      });
      try {
        const tolerance = numberOf('--tolerance', flags.tolerance);
        const dataset = openDataset(resolve(flags.data));
        const quiet = flags.json === true;
        const report = await withProgress('measuring again', { unit: 'rows', quiet }, (update) => {
          let done = 0;
          const watched = watchLosses(lossFunction, (rows) => {
            done += rows;
            update(done, lossesOf(receipt));
          });
          return verifyScore(receipt, { ...evidence, dataset, lossFunction: watched }, tolerance);
        });
        const { gainNats, largestDifferenceNats, rows } = report;
        const { submissionId, outcome, code, score, verifiedTokens } = receipt;
        if (flags.json)
          process.stdout.write(
            `${JSON.stringify({ holds: true, submissionId, outcome, code, gainNats, score, verifiedTokens, rows, largestDifferenceNats, epoch })}\n`,
          );
        else
          process.stdout.write(
            `${pc.green('✓')} ${submissionId}: ${outcome}${code ? ` (${code})` : ''}, gain ${gainNats?.toFixed(6) ?? 'not scored'} nats ` +
              `measured again on ${rows} rows; largest difference ${largestDifferenceNats.toExponential(1)} nats; score ${score}${epoch === undefined ? '' : `, paid in epoch ${epoch}`}\n`,
          );
      } finally {
        await lossFunction.dispose();
      }
    });
}

/** From a folder, or from a server; with `--save` also into a folder. */
async function evidenceOf(
  file: string | undefined,
  { server, submission, blob, save, chain, json }: ScoreFlags,
  signal: AbortSignal,
): Promise<{ evidence: Evidence; artefacts?: PublishedArtefacts }> {
  const { isSaved, savedEvidence, saving } = await import('../verify/evidence.js');
  if ((file === undefined) === (submission === undefined))
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--submission' },
      'give one of the two: a file or folder with a receipt, or --submission ID',
    );
  if (file !== undefined && isSaved(file)) {
    if (chain === undefined) return { evidence: await savedEvidence(file) };
    throw new CliError(
      { code: 'OPTION_INVALID', option: '--chain' },
      'the path to the root on the chain comes from the server: give --submission ID instead of a folder',
    );
  }
  const { PublishedArtefacts } = await import('../verify/PublishedArtefacts.js');
  const artefacts = await PublishedArtefacts.open(server, { signal, quiet: json === true });
  const value: unknown =
    submission === undefined ? readReceiptFile(file!) : await artefacts.receipt(submission);
  const submissionIn = (value as Partial<SignedReceipt>).receipt?.submissionId;
  const evidence: Evidence = {
    config: artefacts.config,
    layout: artefacts.layout,
    serverId: artefacts.network.serverId,
    receipt: async () => value,
    weights: (version) => artefacts.weights(version),
    blob: async () =>
      blob === undefined ? artefacts.blob(submissionIn!) : new Uint8Array(readFileSync(resolve(blob))),
  };
  return { artefacts, evidence: save === undefined ? evidence : saving(save, evidence) };
}

/** How many rows are run in all: each before the delta and after it. */
function lossesOf({ looks, work }: Receipt): number {
  const drawn = [...looks.map((look) => look.drawn), ...(work ? [work.assigned, work.control] : [])];
  return 2 * drawn.reduce((sum, { rows }) => sum + rows, 0);
}

export function numberOf(option: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new CliError({ code: 'OPTION_INVALID', option }, `${option} must be a positive number, not ${text}`);
}

function readReceiptFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(resolve(path), 'utf8'));
  } catch (error) {
    throw new CliError(
      { code: 'OPTION_INVALID', option: 'receipt' },
      `${path} cannot be read as a receipt: ${messageOf(error)}`,
    );
  }
}
