/**
 * @file Heights of validators for people: a few lines that are drawn over on a terminal, one line per change elsewhere.
 */
import pc from 'picocolors';
import { LiveLines, type Screen } from '../terminal/LiveLines.js';
import type { ValidatorHeight } from './readHeights.js';

export function heightsView(screen: Screen): { show(heights: readonly ValidatorHeight[]): void } {
  const live = new LiveLines(screen);
  let last = '';
  return {
    show(heights) {
      if (live.isLive) return live.show(tableOf(heights));
      const line = heights.map(({ name, height }) => `${name} ${height ?? 'away'}`).join('  ');
      if (line !== last) live.say(line);
      last = line;
    },
  };
}

function tableOf(heights: readonly ValidatorHeight[]): string[] {
  const top = Math.max(0, ...heights.map(({ height }) => height ?? 0));
  return heights.map(({ name, height, headHash, poolCount }) => {
    if (height === undefined) return `${name.padEnd(6)} ${pc.red('away')}`;
    const number = String(height).padStart(8);
    const behind = top - height > 1 ? pc.yellow(`${top - height} behind`) : pc.green('ok');
    return `${name.padEnd(6)} ${number}  ${pc.dim(headHash?.slice(0, 18) ?? '')}…  pool ${poolCount}  ${behind}`;
  });
}
