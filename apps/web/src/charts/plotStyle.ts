/** @file What both charts share: the page's own colours, so they follow light and dark, and their height. */
import type uPlot from 'uplot';

export const CHART_HEIGHT_PX = 320;

export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function axis(extra: uPlot.Axis): uPlot.Axis {
  const line = { stroke: colour('--line'), width: 1 };
  return { stroke: colour('--soft'), grid: line, ticks: line, ...extra };
}

/** Calls back when the system changes between light and dark. */
export function onSchemeChange(listener: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  query.addEventListener('change', listener);
  return () => query.removeEventListener('change', listener);
}
