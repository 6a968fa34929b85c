/**
 * @file axe-core's rules run in the open page, and the score Lighthouse would make of them: each rule that applies passes
 * or fails as a whole and weighs by its impact (developer.chrome.com/docs/lighthouse/accessibility/scoring). For tests only.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults, Result } from 'axe-core';
import type { Page } from 'playwright-core';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WEIGHTS: Readonly<Record<string, number>> = { minor: 1, moderate: 3, serious: 7, critical: 10 };

export interface AccessibilityReport {
  /** 0 to 100. */
  readonly score: number;
  /** Serious and critical violations, a line each: the rule, what it asks for, and where. */
  readonly grave: readonly string[];
}

/** Impact of every rule by its id. */
type Impacts = Readonly<Record<string, string>>;

export async function checkAccessibility(page: Page): Promise<AccessibilityReport> {
  const isLoaded = await page.evaluate(() => 'axe' in window);
  if (!isLoaded) await page.evaluate(AXE);
  const [results, impacts] = await page.evaluate(async () => {
    const { axe } = window as unknown as { axe: AxeInPage };
    const byId = Object.fromEntries(axe._audit.rules.map(({ id, impact }) => [id, impact ?? 'minor']));
    return [await axe.run(), byId] as const;
  });
  return reportOf(results, impacts);
}

interface AxeInPage {
  run(): Promise<AxeResults>;
  readonly _audit: { readonly rules: readonly { readonly id: string; readonly impact?: string }[] };
}

export function reportOf({ passes, violations }: Results, impacts: Impacts): AccessibilityReport {
  const weigh = (rules: readonly Result[]): number =>
    rules.reduce((sum, rule) => sum + weightOf(rule, impacts), 0);
  const [passed, failed] = [weigh(passes), weigh(violations)];
  const isGrave = ({ impact }: Result): boolean => impact === 'serious' || impact === 'critical';
  return {
    score: passed + failed === 0 ? 100 : (100 * passed) / (passed + failed),
    grave: violations.filter(isGrave).map(line),
  };
}

type Results = Pick<AxeResults, 'passes' | 'violations'>;

/** Lighthouse leaves out experiments, and what is minor and only good practice. */
function weightOf({ id, tags }: Result, impacts: Impacts): number {
  const impact = impacts[id] ?? 'minor';
  const isWcag = tags.some((tag) => /^wcag\d+a{1,2}$/.test(tag));
  if (tags.includes('experimental') || (impact === 'minor' && !isWcag)) return 0;
  return WEIGHTS[impact] ?? 0;
}

const line = ({ id, help, nodes }: Result): string =>
  `${id} (${help}): ${nodes.map(({ target, failureSummary }) => `${target.join(' ')} ${failureSummary ?? ''}`).join(' | ')}`;
