/**
 * @file How an objective is computed from a micro-batch, wherever weights lie: what is differentiated, what is fed, and
 * which number is the loss. Types only.
 */
import type { NamedTensors } from '@alice/engine';
import type { Objective } from '../gradientSession.js';
import type { LossGraph } from '../lossGraph.js';

export interface ObjectiveRecipe<Batch> {
  objective(graph: LossGraph): Objective;
  inputs(batch: Batch): {
    /** Rows of (sequenceLength + 1) ids. */
    readonly tokens: Uint16Array;
    /** The objective's own inputs. */
    readonly feeds: NamedTensors;
  };
  /** From what the objective reports. */
  lossNats(report: NamedTensors): number;
}
