/** @file `alice verify-round` and `alice verify-epoch`: what a version was made of and what was paid for it, computed again by anyone. */
import { ChainClient, isServerCallError } from '@alice/protocol';
import { Command } from 'commander';
import pc from 'picocolors';
import { createLifecycle } from '../process/lifecycle.js';
import { withProgress } from '../progressBar.js';
import type { PublishedArtefacts } from '../verify/PublishedArtefacts.js';
import { DEFAULT_CHAIN_URL, DEFAULT_SERVER_URL } from './common.js';
import { numberOf } from './verify.js';

export function verifyRoundCommand(): Command {
  return new Command('verify-round')
    .description("compute a version's state root, and what its submissions are paid, again from public parts")
    .argument('<version>', 'the version')
    .option('--server <url>', 'parameter server', DEFAULT_SERVER_URL)
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Takes the FP32 weights of the version before (kept for a few versions), checks that they round to its signed root, adds
the accepted submissions in their order and compares the root of the result with the signed one, bit for bit.

Then it takes the signed receipt of each submission and computes again how much it weighs in the mean and what it is
paid: from measured gains, norms of the submissions themselves, and the tokens that the work tests vouch for.
Receipts are public one version after the round; until then pay is "not public yet".

Taken from the receipts as it is: gains (alice verify-score measures them again), how much of its task each submission
shows work on, and whether it was found to be stale.

Examples:
  alice verify-round 12 --server http://127.0.0.1:8420
  alice verify-epoch 0 --server http://127.0.0.1:8420 --chain ws://127.0.0.1:9944`,
    )
    .action(async (argument: string, flags: { server: string; json?: boolean }) => {
      const { signal } = createLifecycle();
      const version = numberOf('<version>', argument);
      const [{ PublishedArtefacts }, { verifyRound }, { verifyRoundPay }] = await Promise.all([
        import('../verify/PublishedArtefacts.js'),
        import('@alice/server'),
        import('../verify/verifyRoundPay.js'),
      ]);
      const quiet = flags.json === true;
      const artefacts = await PublishedArtefacts.open(flags.server, { signal, quiet });
      const fold = await artefacts.fold(version);
      const root = (await artefacts.manifest(version)).stateRoot;
      const submissions = fold.submissions.length;
      const baseRoot = (await artefacts.manifest(fold.baseVersion)).stateRoot;
      const counting = { unit: 'submissions', quiet };
      const master = await artefacts.master(fold.baseVersion);
      await withProgress('adding submissions', counting, (update) => {
        let done = 0;
        return verifyRound({
          ...{ layout: artefacts.layout, fold, baseRoot, root, master },
          blob: (submissionId) => {
            update(done++, submissions);
            return artefacts.blob(submissionId);
          },
        });
      });
      const pay = await unlessSecret(() =>
        withProgress('checking pay', counting, (update) =>
          verifyRoundPay(fold, artefacts, (done) => update(done, submissions)),
        ),
      );
      if (flags.json) {
        const paid = pay && { ...pay, nanoNats: String(pay.nanoNats) };
        const answer = { holds: true, version, root, submissions, pay: paid ?? null };
        process.stdout.write(`${JSON.stringify(answer)}\n`);
        return;
      }
      const tick = pc.green('✓');
      process.stdout.write(`${tick} version ${version}: ${submissions} submissions lead to ${root}\n`);
      if (!pay)
        process.stdout.write(
          '· pay: its receipts are not public yet; ask again when the next version is out\n',
        );
      else
        process.stdout.write(
          `${tick} pay: ${pay.nanoNats} nano-nats for ${pay.submissions - pay.contributions} submissions, weights and scores as computed again` +
            `${pay.untold > 0 ? `; coverage of ${pay.untold} could not be told, they are paid for what they claim` : ''}\n`,
        );
    });
}

/** Undefined while the receipts are no public ones. */
async function unlessSecret<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (
      isServerCallError(error) &&
      error.info.code === 'SERVER_REFUSED' &&
      error.info.refusal === 'NOT_FOUND'
    )
      return undefined;
    throw error;
  }
}

export function verifyEpochCommand(): Command {
  return new Command('verify-epoch')
    .description('check that what an epoch paid on the chain follows from its signed receipts')
    .argument('<epoch>', 'number of the epoch')
    .option('--server <url>', 'parameter server', DEFAULT_SERVER_URL)
    .option('--chain <url>', 'RPC address of a chain node', DEFAULT_CHAIN_URL)
    .option('--json', 'answer as JSON')
    .addHelpText(
      'after',
      `
Downloads all receipts of the epoch, checks each signature, and that together they lead to the root that the chain
settled the epoch with: none is missing, none was added. Adds up their scores for each account and compares with the
chain's, and the amounts that were paid with the scores, to the planck of rounding.

Each score itself is computed again by alice verify-round, each measurement by alice verify-score.

Example:
  alice verify-epoch 0 --server http://127.0.0.1:8420 --chain http://127.0.0.1:9944`,
    )
    .action(async (argument: string, flags: { server: string; chain: string; json?: boolean }) => {
      const { signal } = createLifecycle();
      const epoch = argument === '0' ? 0 : numberOf('<epoch>', argument);
      const [{ PublishedArtefacts }, { verifyEpochPaid }] = await Promise.all([
        import('../verify/PublishedArtefacts.js'),
        import('../verify/verifyEpochPaid.js'),
      ]);
      const quiet = flags.json === true;
      const artefacts: PublishedArtefacts = await PublishedArtefacts.open(flags.server, { signal, quiet });
      const found = await verifyEpochPaid(epoch, { artefacts, chain: new ChainClient({ url: flags.chain }) });
      const { nanoNats, trainingPlanck, mintedPlanck } = found;
      const amounts = {
        nanoNats: `${nanoNats}`,
        trainingPlanck: `${trainingPlanck}`,
        mintedPlanck: `${mintedPlanck}`,
      };
      if (flags.json) process.stdout.write(`${JSON.stringify({ holds: true, ...found, ...amounts })}\n`);
      else
        process.stdout.write(
          `${pc.green('✓')} epoch ${epoch}: ${found.receipts} receipts, all that the chain's root commits to, add up to the scores of ` +
            `${found.accounts} accounts; ${trainingPlanck} of ${mintedPlanck} planck went to them in proportion\n`,
        );
    });
}
