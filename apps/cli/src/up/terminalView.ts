/**
 * @file What `alice up` prints while the network works: a line per model version, epoch and alarm, worked out from
 * successive status answers. Pure: status in, lines out.
 */
import { formatAlice, type NetworkStatus } from '@alice/protocol';
import pc from 'picocolors';

export class TerminalView {
  #version = -1;
  #epoch = -1;
  #accepted = 0;
  readonly #alarms = new Set<string>();
  readonly #names: ReadonlyMap<string, string>;

  /** `names`: address → the short name of a wallet. */
  constructor(names: ReadonlyMap<string, string>) {
    this.#names = names;
  }

  /** Lines to print for what is new in `status`. */
  update(status: NetworkStatus): string[] {
    return [
      ...this.#firstAccepted(status),
      ...this.#versions(status),
      ...this.#epochs(status),
      ...this.#newAlarms(status),
    ];
  }

  #firstAccepted(status: NetworkStatus): string[] {
    const first = this.#accepted === 0 && status.submissions.accepted > 0;
    this.#accepted = status.submissions.accepted;
    return first ? [`  ${pc.green('✓')} first submission accepted`] : [];
  }

  #versions(status: NetworkStatus): string[] {
    const fresh = status.versions.filter(({ version }) => version > this.#version);
    this.#version = Math.max(this.#version, ...fresh.map(({ version }) => version));
    return fresh.slice(-3).flatMap((v) => {
      if (v.heldOutLossNats === null) return [];
      const under = status.uniformLossNats - v.heldOutLossNats;
      const place =
        under >= 0
          ? pc.green(`${under.toFixed(2)} under uniform`)
          : pc.yellow(`${(-under).toFixed(2)} over uniform`);
      const tokens = compact(v.trainedTokens);
      return [
        `  version ${String(v.version).padStart(4)}   held-out loss ${pc.bold(v.heldOutLossNats.toFixed(3))} nats  ${place}   ${tokens} tokens`,
      ];
    });
  }

  #epochs(status: NetworkStatus): string[] {
    const fresh = status.epochs.filter(({ epoch }) => epoch > this.#epoch);
    this.#epoch = Math.max(this.#epoch, ...fresh.map(({ epoch }) => epoch));
    return fresh.slice(-3).map(({ epoch, mintedPlanck, payouts }) => {
      const shares = payouts.map(
        (p) => `${this.#names.get(p.address) ?? `${p.address.slice(0, 8)}…`} ${shortAlice(p.amountPlanck)}`,
      );
      return `  ${pc.cyan(`epoch ${epoch} settled`)}: ${pc.bold(shortAlice(mintedPlanck))} ALICE minted → ${shares.join(', ')}`;
    });
  }

  #newAlarms(status: NetworkStatus): string[] {
    const current = new Set(status.alarms.map(({ code }) => code));
    const fresh = status.alarms.filter(({ code }) => !this.#alarms.has(code));
    this.#alarms.clear();
    for (const code of current) this.#alarms.add(code);
    return fresh.map(({ code, message }) => `  ${pc.yellow(`! ${code}`)} ${message}`);
  }
}

/** Planck → ALICE with four decimals, for a line people read; exact amounts are in the report and on the page. */
export function shortAlice(planck: string): string {
  const [whole, fraction = ''] = formatAlice(BigInt(planck)).split('.');
  return `${whole}.${fraction.padEnd(4, '0').slice(0, 4)}`;
}

/** 1234567 → "1.23M". */
export function compact(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)}G`;
  if (count >= 1e6) return `${(count / 1e6).toFixed(2)}M`;
  return count >= 1e3 ? `${(count / 1e3).toFixed(0)}k` : String(count);
}
