/**
 * @file Heights of validators for people: a few lines that are drawn over on a terminal, one line per change elsewhere.
 */
import pc from 'picocolors';
import type { ValidatorHeight } from './readHeights.js';

interface Screen {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export function heightsView(screen: Screen): { show(heights: readonly ValidatorHeight[]): void } {
  let drawn = 0;
  let last = '';
  return {
    show(heights) {
      if (screen.isTTY) {
        const lines = tableOf(heights);
        const back = drawn > 0 ? `\u001b[${drawn}A` : '';
        screen.write(back + lines.map((line) => `\u001b[2K${line}\n`).join(''));
        drawn = lines.length;
        return;
      }
      const line = heights.map(({ name, height }) => `${name} ${height ?? 'away'}`).join('  ');
      if (line !== last) screen.write(`${line}\n`);
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
