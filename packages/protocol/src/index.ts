/** @file What all parties must agree on: units, keys, hashes, seeded randomness, wire formats, messages. */
export { bytesOf, compareBytes, concatBytes, equalBytes, fromHex, type HexString, toHex, utf8 } from './bytes.js';
export { CodedError, type ErrorInfo, errorCodeOf, isCodedError, messageOf } from './errors.js';
export { blake2b256, canonicalJson, type HashHex, hashJson, merkleRoot, sha256, sha256Hex } from './hash.js';
export {
  type Address,
  accountIdHex,
  addressOf,
  initCrypto,
  KeyError,
  type KeyErrorInfo,
  type KeyPair,
  keyPairFromSecret,
  keyPairFromSeed,
  newMnemonic,
  parseAddress,
  publicKeyOf,
  SS58_PREFIX,
  verifySignature,
} from './keys.js';
export { type LogFacts, type Logger, silentLogger } from './logger.js';
export { type Random, seededRandom } from './random.js';
export {
  type Balance,
  formatAlice,
  MAX_SUPPLY_PLANCK,
  NANO_NATS_PER_NAT,
  PLANCK_PER_ALICE,
  parseAlice,
  TOKEN_DECIMALS,
  TOKEN_SYMBOL,
  toNanoNats,
} from './units.js';
