/** @file What is known of the model being served, and the names it goes by in requests. */

export interface ModelCard {
  /** Of the preset. */
  readonly name: string;
  readonly tokenizerId: string;
  readonly context: number;
  readonly parameters: number;
  /** Absent for weights that were never published. */
  readonly version: number | undefined;
  readonly stateRoot: string | undefined;
  /** 0 when unknown. */
  readonly createdAtMs: number;
}

/** Works for any model, so that an example needs no change from network to network. */
export const ANY_MODEL = 'alice';

export const modelId = ({ name }: Pick<ModelCard, 'name'>): string => `alice-${name}`;

/** Which weights made a text: OpenAI's `system_fingerprint`. */
export function fingerprint({ version, stateRoot }: ModelCard): string {
  return `${version === undefined ? 'local' : `v${version}`}${stateRoot ? `-${stateRoot.slice(2, 10)}` : ''}`;
}
