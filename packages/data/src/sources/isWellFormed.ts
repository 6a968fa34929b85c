/**
 * @file Whether a text is Unicode: JSON can spell halves of surrogate pairs ("\ud83d" alone), which have no encoding in UTF-8
 * and would silently become "\ufffd".
 */

/** Node has the method from version 20 on; TypeScript's library of 2023 does not know it yet. */
export function isWellFormed(text: string): boolean {
  return (text as string & { isWellFormed(): boolean }).isWellFormed();
}

export const HALF_PAIR = 'half a surrogate pair (\\ud800 to \\udfff alone) in its text';
