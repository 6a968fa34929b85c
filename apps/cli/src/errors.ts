/** @file What the command line itself can refuse, each with a code and the next step. */
import { CodedError } from '@alice/protocol';

export type CliErrorInfo =
  | { code: 'OPTION_INVALID'; option: string } // the value is out of range; the message names the range
  | { code: 'PORT_BUSY'; port: number } // another program listens there
  | { code: 'DIR_BUSY'; dir: string } // another `alice up` runs on this folder
  | { code: 'DIR_MISMATCH'; dir: string } // the folder holds a network with other settings
  | { code: 'DIR_UNUSABLE'; dir: string } // cannot be created, or its files do not parse
  | { code: 'WALLET_EXISTS'; name: string }
  | { code: 'WALLET_NOT_FOUND'; name: string }
  | { code: 'WALLET_UNREADABLE'; path: string }
  | { code: 'CONTACT_EXISTS'; name: string }
  | { code: 'CONTACT_NOT_FOUND'; name: string }
  | { code: 'CONTACTS_UNREADABLE'; path: string }
  | { code: 'WALLET_LOCKED'; name: string } // encrypted and no password given
  | { code: 'CHILD_FAILED'; name: string } // a process keeps dying; its last words are in the message
  | { code: 'PROXY_IN_THE_WAY' } // processes of this machine would look for each other at a proxy
  | { code: 'NOT_SETTLED'; epochs: number } // stopped before the epochs asked for were settled
  | { code: 'NETWORK_FORKED'; height: number } // validators disagree, which must never happen
  | { code: 'NOT_INTERACTIVE' }; // a question would be needed but there is no terminal

export class CliError extends CodedError<CliErrorInfo> {
  override name = 'CliError';
}
