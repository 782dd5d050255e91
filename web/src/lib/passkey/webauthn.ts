/** The signature of an authenticator as a batch carries it: `0x02 || authenticator data || client data || r || s || x || y`. */
import { concat, Malformed } from '$verifier/bytes';
import { compactOf } from './p256';

const KIND = 0x02;
/** Hash of the site's id, flags, counter. */
const AUTHENTICATOR_BYTES = 37;
/** Most bytes after the kind that the ledger takes. */
const BYTES_MAX = 2_048;
const FLAGS_AT = 32;
const PRESENT_OR_VERIFIED = 0x01 | 0x04;
const ATTESTED_OR_EXTENDED = 0x40 | 0x80;

export interface Assertion {
  authenticatorData: Uint8Array;
  /** JSON, as the browser wrote it. */
  clientData: Uint8Array;
  /** DER. */
  signature: Uint8Array;
}

/** Throws `Malformed` where the ledger would refuse the signature for its shape, so that nothing is sent in vain. */
export function webauthnSignature(given: Assertion, point: Uint8Array): Uint8Array {
  const flags = given.authenticatorData[FLAGS_AT] ?? 0;
  if (given.authenticatorData.length !== AUTHENTICATOR_BYTES || flags & ATTESTED_OR_EXTENDED)
    throw new Malformed('authenticator data with extensions');
  if (!(flags & PRESENT_OR_VERIFIED)) throw new Malformed('nobody was there');
  if (point.length !== 64) throw new Malformed('not a point');
  const rest = concat(given.authenticatorData, given.clientData, compactOf(given.signature), point);
  if (rest.length > BYTES_MAX) throw new Malformed('client data too long');
  return concat(Uint8Array.of(KIND), rest);
}
