/** @file The files a person looks at: loss.csv and loss.svg, written whole each time, so that they survive a kill. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writing } from './localRunError.js';
import { lossPlot } from './lossPlot.js';
import { type LossRow, lossCsv, parseLossCsv } from './lossRecord.js';

export class RunReport {
  readonly #dir: string;
  readonly #about: { readonly title: string; readonly uniformNats: number };
  #rows: LossRow[] = [];

  constructor(dir: string, about: { readonly title: string; readonly uniformNats: number }) {
    this.#dir = dir;
    this.#about = about;
  }

  /** The earlier steps of a resumed run; what was measured after the saved state is measured again. */
  resume(step: number): void {
    const path = join(this.#dir, 'loss.csv');
    if (existsSync(path))
      this.#rows = parseLossCsv(readFileSync(path, 'utf8')).filter((row) => row.step <= step);
  }

  add(row: LossRow): void {
    this.#rows.push(row);
  }

  heldOut(step: number, heldOutNats: number): void {
    const at = this.#rows.findLastIndex((row) => row.step === step);
    if (at >= 0) this.#rows[at] = { ...this.#rows[at]!, heldOutNats };
  }

  get last(): LossRow | undefined {
    return this.#rows.at(-1);
  }

  write(): void {
    replaceFile(join(this.#dir, 'loss.csv'), lossCsv(this.#rows));
    if (this.#rows.length > 0) replaceFile(join(this.#dir, 'loss.svg'), lossPlot(this.#rows, this.#about));
  }
}

function replaceFile(path: string, text: string): void {
  writing(path, () => {
    writeFileSync(`${path}.tmp`, text);
    renameSync(`${path}.tmp`, path);
  });
}
