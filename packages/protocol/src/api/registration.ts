/** @file The exact bytes a key signs to register (REG-1): domain-separated, bound to network, server, device and role. */
import { utf8 } from '../bytes.js';

export interface RegistrationClaim {
  readonly networkId: string;
  readonly serverId: string;
  readonly address: string;
  readonly instance: string;
  readonly role: string;
  readonly challenge: string;
  /** Where rewards go; the address itself when absent (REG-2). */
  readonly rewardAddress?: string | undefined;
}

export function registrationMessage(claim: RegistrationClaim): Uint8Array {
  const lines = [
    'alice/register/v1',
    claim.networkId,
    claim.serverId,
    claim.address,
    claim.instance,
    claim.role,
    claim.challenge,
    claim.rewardAddress ?? claim.address,
  ];
  return utf8.encode(lines.join('\n'));
}
