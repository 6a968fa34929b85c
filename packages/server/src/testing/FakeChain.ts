/** @file A chain for tests: settles reports at once or refuses, counts what it is sent, and can be switched off. */
import type { Address, EpochInfo, EpochReport, HexString, Payout } from '@alice/protocol';
import type { ChainPort } from '../ports.js';

const GENESIS: HexString = `0x${'ab'.repeat(32)}`;
const MINTED_PER_EPOCH = 1_000_000_000_000n;

export class FakeChain implements ChainPort {
  readonly submitted: EpochReport[] = [];
  readonly #epochs: { info: EpochInfo; payouts: Payout[] }[] = [];
  readonly #balances = new Map<Address, bigint>();
  isReachable = true;
  /** `settle`: in a block at once; `lose`: accepted, then the answer is lost; `drop`: never arrives. */
  mode: 'settle' | 'lose' | 'drop' = 'settle';
  issuance = 1_000n;

  readonly genesis: HexString;
  constructor(genesis: HexString = GENESIS) {
    this.genesis = genesis;
  }

  async genesisHash(): Promise<HexString> {
    this.#check();
    return this.genesis;
  }
  async status() {
    this.#check();
    return { height: 7, totalIssuancePlanck: this.issuance, currentEpoch: this.#epochs.length };
  }
  async submitEpoch(report: EpochReport): Promise<void> {
    this.#check();
    this.submitted.push(report);
    if (this.mode === 'drop') throw new Error('never arrived');
    if (report.epoch === this.#epochs.length) this.#settle(report);
    if (this.mode === 'lose') throw new Error('answer lost');
  }
  async epoch(epoch: number): Promise<EpochInfo | undefined> {
    this.#check();
    return this.#epochs[epoch]?.info;
  }
  async payouts(epoch: number): Promise<readonly Payout[]> {
    return this.#epochs[epoch]?.payouts ?? [];
  }
  async balance(address: Address): Promise<bigint> {
    this.#check();
    return this.#balances.get(address) ?? 0n;
  }

  /** Takes away all epochs, as when the folder of a chain is lost; `put` brings them back. */
  take(): readonly { info: EpochInfo; payouts: Payout[] }[] {
    return this.#epochs.splice(0);
  }
  put(epochs: readonly { info: EpochInfo; payouts: Payout[] }[]): void {
    this.#epochs.splice(0, Number.POSITIVE_INFINITY, ...epochs);
  }

  #settle(report: EpochReport): void {
    const training = report.scores.filter(({ role }) => role === 'training');
    const total = training.reduce((sum, { scoreNanoNats }) => sum + scoreNanoNats, 0n);
    const payouts = training.map(({ address, role, scoreNanoNats }) => ({
      address,
      role,
      scoreNanoNats,
      amountPlanck: (MINTED_PER_EPOCH * scoreNanoNats) / total,
    }));
    for (const { address, amountPlanck } of payouts)
      this.#balances.set(address, (this.#balances.get(address) ?? 0n) + amountPlanck);
    const mintedPlanck = payouts.reduce((sum, { amountPlanck }) => sum + amountPlanck, 0n);
    this.issuance += mintedPlanck;
    const { epoch: index, scores: _, ...rest } = report;
    this.#epochs.push({ info: { index, startedAtMs: 1, endedAtMs: 2, mintedPlanck, ...rest }, payouts });
  }

  #check(): void {
    if (!this.isReachable) throw new Error('connection refused');
  }
}
