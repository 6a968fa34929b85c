/**
 * @file Walks through the open page with the Tab key as a person would, and notes what such a person would stumble over:
 * a control that is passed over, a jump backwards, a focus that cannot be seen, a skip link that skips nothing. Tables
 * may change meanwhile, so each step is judged by the page as it is at that moment. For tests only.
 */
import type { Page } from 'playwright-core';

const LONGEST_WALK = 400;

/** What is wrong, a line each. */
export async function walkByKeyboard(page: Page): Promise<string[]> {
  const problems = await checkSkipLink(page);
  await page.evaluate(goToStart);
  for (let i = 0; i < LONGEST_WALK; i++) {
    await page.keyboard.press('Tab');
    const { isEnd, problem } = await page.evaluate(judgeStep);
    if (problem !== undefined) problems.push(problem);
    if (isEnd) return problems;
  }
  return [...problems, `no end after ${LONGEST_WALK} steps`];
}

/** The first stop is the skip link, it can be seen, and it leads to the heading of the content. */
async function checkSkipLink(page: Page): Promise<string[]> {
  await page.evaluate(goToStart);
  await page.keyboard.press('Tab');
  const first = await page.evaluate(() => {
    const link = document.activeElement as HTMLElement;
    return { id: link.id, top: link.getBoundingClientRect().top };
  });
  await page.keyboard.press('Enter');
  const isThere = await page.evaluate(() => document.activeElement?.matches('main h1'));
  return [
    ...(first.id === 'skip' ? [] : [`the first stop is not the skip link but "${first.id}"`]),
    ...(first.top >= 0 ? [] : ['the skip link is outside the window']),
    ...(isThere ? [] : ['the skip link does not lead to the heading']),
  ];
}

interface Walk {
  last?: Element | null;
  /** The stops there were at the last step: what came since cannot have been passed over. */
  stops?: Set<Element>;
}

/** Runs in the page: the next Tab goes to the first stop. */
function goToStart(): void {
  (window as unknown as { walk: Walk }).walk = {};
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
}

/** Runs in the page, after a Tab: was this the next stop, and does the eye find it? */
function judgeStep(): { isEnd: boolean; problem?: string } {
  const { walk } = window as unknown as { walk: Walk };
  const isStop = (node: HTMLElement): boolean => {
    const isOtherRadio = node instanceof HTMLInputElement && node.type === 'radio' && !node.checked;
    return node.tabIndex >= 0 && !isOtherRadio && !node.matches(':disabled') && node.checkVisibility();
  };
  const stops = [
    ...document.querySelectorAll<HTMLElement>(
      'a[href], button, input, select, textarea, summary, [tabindex]',
    ),
  ].filter(isStop);
  const known = stops.filter((stop) => walk.stops?.has(stop) ?? true);
  walk.stops = new Set(stops);
  const now = document.activeElement as HTMLElement;
  if (now === document.body || now === stops[0]) {
    const isStart = walk.last === undefined;
    const missed =
      isStart || !walk.last?.isConnected || walk.last === known.at(-1) ? undefined : known.at(-1);
    walk.last = now;
    return {
      isEnd: !isStart,
      ...(missed && { problem: `never reached: ${missed.outerHTML.slice(0, 120)}` }),
    };
  }
  const [at, before] = [known.indexOf(now), known.indexOf(walk.last as HTMLElement)];
  const skipped = at >= 0 && before >= 0 && at !== before + 1;
  walk.last = now;
  const { outlineStyle, outlineWidth } = getComputedStyle(now);
  const isMarked = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1;
  const { top, bottom, width } = now.getBoundingClientRect();
  const isInView = width > 0 && bottom > 0 && top < window.innerHeight;
  const name = now.outerHTML.slice(0, 120);
  if (skipped) return { isEnd: false, problem: `from stop ${before} to stop ${at}: ${name}` };
  if (!isMarked || !isInView) return { isEnd: false, problem: `its focus cannot be seen: ${name}` };
  return { isEnd: false };
}
