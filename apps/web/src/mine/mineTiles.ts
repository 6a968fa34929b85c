/** @file The figures of the mine page as tiles: speed, verdicts, share of the network's work, earnings. */
import type { NetworkStatus } from '@alice/protocol';
import { element } from '../dom.js';
import { alice, compact, count, exactAlice, percent, scoreNats } from '../format.js';
import { tile } from '../parts/tile.js';
import type { Earnings } from './earnings.js';
import type { MineFigures } from './mineFigures.js';

export interface MineTilesInput {
  readonly figures: MineFigures;
  /** Of the mining key. */
  readonly address: string;
  readonly status: NetworkStatus | undefined;
  readonly earnings: Earnings | undefined;
}

export function mineTiles(input: MineTilesInput): HTMLElement {
  const { figures, earnings } = input;
  const { tokensPerSec, device } = figures;
  return element(
    'div',
    { class: 'tiles' },
    tile({
      name: 'Tokens per second',
      value: tokensPerSec === undefined ? '–' : compact(tokensPerSec),
      note: device === undefined ? 'measured over a whole task' : deviceText(device.device, device.note),
    }),
    tile({
      name: 'Tokens in this visit',
      value: compact(figures.tokens),
      note: `${count(figures.sent)} update${figures.sent === 1 ? '' : 's'} sent`,
    }),
    verdictTile(input),
    shareTile(input),
    tile({
      name: 'Earned, ALICE',
      value: earnings === undefined ? '–' : alice(earnings.paidPlanck),
      note: earningsNote(input),
      good: earnings !== undefined && earnings.paidPlanck > 0n,
      title: earnings === undefined ? '' : exactAlice(earnings.paidPlanck),
    }),
  );
}

function earningsNote({ address, earnings }: MineTilesInput): string {
  if (earnings) return `paid for work; balance now ${alice(earnings.freePlanck)}`;
  return address === '' ? 'nothing yet' : 'asking the chain …';
}

function deviceText(device: string, note: string): string {
  const text = device === 'webgpu' ? 'on WebGPU' : 'on WebAssembly';
  return note === '' ? text : `${text}: ${note}`;
}

function verdictTile({ figures, address, status }: MineTilesInput): HTMLElement {
  const known = status?.miners.filter((miner) => miner.address === address) ?? [];
  const sum = (field: 'accepted' | 'refused'): number => known.reduce((all, miner) => all + miner[field], 0);
  const [accepted, refused] = [
    Math.max(sum('accepted'), figures.accepted),
    Math.max(sum('refused'), figures.refused),
  ];
  return tile({
    name: 'Accepted',
    value: count(accepted),
    note: `${count(refused)} refused, of all this key has sent`,
    good: accepted > 0,
  });
}

/** Share of the verified improvement of all miners the server lists. */
function shareTile({ address, status }: MineTilesInput): HTMLElement {
  const miners = status?.miners.filter(({ role }) => role === 'miner') ?? [];
  const scoreOf = (list: typeof miners): bigint => list.reduce((sum, { score }) => sum + BigInt(score), 0n);
  const [own, all] = [scoreOf(miners.filter((miner) => miner.address === address)), scoreOf(miners)];
  return tile({
    name: 'Share of the work',
    value: all > 0n && address !== '' ? percent(Number((own * 10_000n) / all) / 10_000) : '–',
    note: own > 0n ? `score ${scoreNats(own)} nats` : 'by verified score',
  });
}
