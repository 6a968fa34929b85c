/** @file What the model package refuses, as data. */
import { CodedError } from '@alice/protocol';

export type ModelErrorInfo =
  | { code: 'PRESET_UNKNOWN'; preset: string; known: readonly string[] }
  | { code: 'CONFIG_INVALID'; field: string; value: number } // a dimension that does not fit the others
  | { code: 'SEQUENCE_TOO_LONG'; sequenceLength: number; context: number } // more tokens than the model can place
  | { code: 'TOKENS_RAGGED'; length: number; rowLength: number } // not a whole number of rows
  | { code: 'TOKEN_OUT_OF_RANGE'; token: number; vocab: number; position: number }
  | { code: 'PARAMETERS_SIZE'; want: number; got: number } // a flat vector of another model
  | { code: 'WEIGHTS_UNREADABLE'; offset: number; size: number; available: number } // a range outside the weights
  | { code: 'WEIGHTS_FILE'; path: string; problem: string } // a weight file is missing, cut short or unreadable
  | { code: 'MASK_SIZE'; tokens: number; mask: number; rowLength: number } // a mask of other rows
  | { code: 'OBJECTIVE_INVALID'; setting: string; value: number } // a setting of an objective is out of range
  | { code: 'PROMPT_EMPTY' }; // generation needs at least one token to continue

export class ModelError extends CodedError<ModelErrorInfo> {
  override name = 'ModelError';
}
