/** @file Asks again until there is an answer: pages outlive a node that is gone for a while. */

const AGAIN_MS = 3000;

/** Calls `ask` until it gives `true` (there is nothing left to ask); returns how to stop earlier. */
export function untilAnswered(ask: () => Promise<boolean>, onError: (error: unknown) => void): () => void {
  let isStopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const attempt = async (): Promise<void> => {
    const isDone = await ask().catch((error: unknown) => {
      if (!isStopped) onError(error);
      return false;
    });
    if (!isDone && !isStopped) timer = setTimeout(() => void attempt(), AGAIN_MS);
  };
  void attempt();
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}
