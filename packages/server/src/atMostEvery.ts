/** @file Runs something at once when asked, and whatever is asked during the pause after it once at the pause's end. */

export function atMostEvery(pauseMs: number, run: () => void): () => void {
  let isPausing = false;
  let isAsked = false;
  const ask = (): void => {
    if (isPausing) {
      isAsked = true;
      return;
    }
    isPausing = true;
    isAsked = false;
    run();
    setTimeout(() => {
      isPausing = false;
      if (isAsked) ask();
    }, pauseMs).unref();
  };
  return ask;
}
