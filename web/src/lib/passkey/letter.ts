/**
 * The letter that binds a person to a home. Its square code is a link whose fragment is
 *
 *     1.<unit>.<invitation>[.<code>].<secret>
 *
 * `unit` and `invitation` are numbers of the ledger; `secret` is the 32 bytes of a one-time secp256k1 key, base64url; `code`
 * is the home's code in UTF-8, base64url: where only members read the register, whoever has not joined yet sees it by this.
 * The secret stands last, so that a link which was cut off is known by its length.
 * A fragment stays in the browser: no server is told the secret. The ledger knows the key's address alone, and the key
 * signs the account that redeems, so that a proof seen on its way is worth nothing to anybody else.
 */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, fromBase64url, fromHex, Malformed, toBase64url, toHex } from '$verifier/bytes';

export interface Letter {
  unit: number;
  id: bigint;
  secret: Uint8Array;
  /** The home's code as the letter says; empty where it says none. */
  code: string;
}

const NUMBER = /^[1-9]\d{0,15}$/;
const SECRET_BYTES = 32;

/** Throws `Malformed` where it is no letter, or one that was cut off. */
export function parseLetter(fragment: string): Letter {
  const [version, unit = '', id = '', ...rest] = fragment.replace(/^#/, '').split('.');
  const secret = rest.pop() ?? '';
  const code = rest.pop() ?? '';
  if (version !== '1' || !NUMBER.test(unit) || !NUMBER.test(id) || rest.length) throw new Malformed('not a letter');
  const bytes = fromBase64url(secret);
  if (bytes.length !== SECRET_BYTES || !secp256k1.utils.isValidSecretKey(bytes)) throw new Malformed('not a letter');
  return { unit: Number(unit), id: BigInt(id), secret: bytes, code: new TextDecoder().decode(fromBase64url(code)) };
}

export function printLetter(letter: Letter): string {
  const code = letter.code && `.${toBase64url(new TextEncoder().encode(letter.code))}`;
  return `1.${letter.unit}.${letter.id}${code}.${toBase64url(letter.secret)}`;
}

/** A secret for a new letter. */
export function newSecret(): Uint8Array {
  return secp256k1.utils.randomSecretKey();
}

/** Address of the one-time key, lower case: how the ledger knows the letter. */
export function letterKey(secret: Uint8Array): string {
  return toHex(keccak_256(secp256k1.getPublicKey(secret, false).subarray(1)).subarray(12));
}

/** What `accounts.redeem` wants: the one-time key's signature over ledger, letter and account; `r`, `s`, 27 or 28. */
export function letterProof(letter: Letter, chainId: bigint, account: string): Uint8Array {
  const domain = new TextEncoder().encode('tulou/invitation/v1');
  const hash = keccak_256(concat(domain, long(chainId), long(letter.id), fromHex(account)));
  const signed = secp256k1.sign(hash, letter.secret, { prehash: false, lowS: true, format: 'recovered' });
  return concat(signed.subarray(1), Uint8Array.of(27 + (signed[0] ?? 0)));
}

/** 8 bytes, big-endian. */
function long(value: bigint): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, value);
  return out;
}
