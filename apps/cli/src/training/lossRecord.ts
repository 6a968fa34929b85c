/** @file The numbers of a training run, step by step, as CSV for other programs and back. */

export interface LossRow {
  /** 1-based: the row says what the weights before this step lost on its batch. */
  readonly step: number;
  readonly tokens: number;
  readonly learningRate: number;
  /** Of the step's batch; NaN where the step was skipped. */
  readonly lossNats: number;
  readonly gradNormL2: number;
  /** On held-out rows after the step; only now and then. */
  readonly heldOutNats?: number | undefined;
  readonly elapsedSeconds: number;
}

const COLUMNS = 'step,tokens,learning_rate,loss_nats,grad_norm_l2,held_out_loss_nats,elapsed_seconds';

export function lossCsv(rows: readonly LossRow[]): string {
  const lines = rows.map((row) => [
    ...[row.step, row.tokens, row.learningRate.toPrecision(6), row.lossNats.toFixed(6)],
    ...[row.gradNormL2.toPrecision(6), row.heldOutNats?.toFixed(6) ?? '', row.elapsedSeconds.toFixed(3)],
  ]);
  return `${[COLUMNS, ...lines.map((line) => line.join())].join('\n')}\n`;
}

/** Rows of a file that `lossCsv` made; lines that are not whole are left out. */
export function parseLossCsv(text: string): LossRow[] {
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.split(','))
    .filter((cells) => cells.length === 7 && cells[6] !== '')
    .map(([step, tokens, rate, loss, norm, heldOut, elapsed]) => ({
      ...{ step: Number(step), tokens: Number(tokens), learningRate: Number(rate), lossNats: Number(loss) },
      ...{ gradNormL2: Number(norm), elapsedSeconds: Number(elapsed) },
      ...(heldOut === '' ? {} : { heldOutNats: Number(heldOut) }),
    }));
}
