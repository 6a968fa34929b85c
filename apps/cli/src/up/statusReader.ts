/** @file Reads the live status of a parameter server for the terminal view and the report; `undefined` while it is away. */
import type { NetworkStatus } from '@alice/protocol';

export async function readStatus(serverUrl: string, timeoutMs = 5000): Promise<NetworkStatus | undefined> {
  try {
    const answer = await fetch(`${serverUrl}/v1/status`, { signal: AbortSignal.timeout(timeoutMs) });
    return answer.ok ? ((await answer.json()) as NetworkStatus) : undefined;
  } catch {
    return undefined;
  }
}
