/**
 * @file A QR code in a terminal: two rows of modules in one line of half blocks. Cameras want dark on white, so a
 * terminal with colours gets exactly that; without colours the dark modules are the characters.
 */
import pc from 'picocolors';
import qrcode from 'qrcode-generator';

/** Modules of white around the code, as the standard asks. */
const QUIET = 4;
/** By whether the upper and the lower module of a character are dark. */
const HALVES = [' ', '▄', '▀', '█'] as const;

/** The code's modules, true where they are dark, without a margin. */
export function qrModules(text: string): boolean[][] {
  const code = qrcode(0, 'M');
  code.addData(text);
  code.make();
  const size = code.getModuleCount();
  return Array.from({ length: size }, (_, row) =>
    Array.from({ length: size }, (_, column) => code.isDark(row, column)),
  );
}

/** The lines that show `text` as a code, margin included. */
export function terminalQr(text: string): string[] {
  const modules = qrModules(text);
  const isDark = (row: number, column: number): boolean => modules[row - QUIET]?.[column - QUIET] ?? false;
  const whole = modules.length + 2 * QUIET;
  const lines: string[] = [];
  for (let row = 0; row < whole; row += 2) {
    let line = '';
    for (let column = 0; column < whole; column++)
      line += HALVES[(isDark(row, column) ? 2 : 0) + (isDark(row + 1, column) ? 1 : 0)];
    lines.push(pc.bgWhiteBright(pc.black(line)));
  }
  return lines;
}
