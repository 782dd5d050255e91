/**
 * The authenticator of this device. It makes a key that never leaves it and signs after a fingerprint, a face or the
 * code of the screen lock. Everything here asks a person; call it from a tap.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { concat, fromBase64url, Malformed, toBase64url } from '$verifier/bytes';
import { accountOf, candidates, compactOf, pointOf } from './p256';
import { webauthnSignature } from './webauthn';

/** What this device remembers of its key. Nothing secret. */
export interface Passkey {
  /** Which key the authenticator shall take, base64url. */
  id: string;
  /** The key's own address. */
  address: string;
  /** `x` and `y`, base64url. */
  point: string;
  /** The account that it signs for; where a recovery gave it one, not its own address. */
  account?: string;
}

/** Why there was no key or no signature. */
export type Trouble =
  /** The page came by plain HTTP from another machine. */
  | 'insecure'
  /** The page was opened by a bare address of numbers. */
  | 'bare'
  /** The browser has no such thing; often one inside another app. */
  | 'browser'
  /** There is nothing that could ask for a finger, a face or a code. */
  | 'nothing'
  /** The person said no, or let it run out. */
  | 'cancelled'
  /** The key is not on this device any more, or not for this address. */
  | 'gone'
  /** The authenticator did something that the ledger cannot read. */
  | 'unfit';

export class PasskeyTrouble extends Error {
  constructor(readonly what: Trouble) {
    super(what);
  }
}

/** ECDSA with P-256 and SHA-256: what every platform has, and the only one that the ledger reads. */
const ES256 = -7;
/** A person who looks for their glasses. */
const PATIENCE_MS = 120_000;
/** So that records can be sealed by the same key later; asked for at the beginning, because some devices cannot add it. */
const PRF_SALT = new TextEncoder().encode('tulou/prf/v1');

/** What stands in the way before anything was tried. */
export function hindrance(): Trouble | undefined {
  if (/^[\d.]+$|^\[/.test(location.hostname)) return 'bare';
  if (!isSecureContext) return 'insecure';
  if (typeof PublicKeyCredential === 'undefined' || !navigator.credentials) return 'browser';
  return undefined;
}

/** Makes a key. `name` is what the device shows beside it when it asks. */
export async function register(name: string): Promise<Passkey> {
  ready();
  const made = await asked(() =>
    navigator.credentials.create({
      publicKey: {
        rp: { name: 'Tulou', id: location.hostname },
        user: { id: random(16), name, displayName: name },
        // Nothing is attested, so that the challenge proves nothing: any will do.
        challenge: random(32),
        pubKeyCredParams: [{ type: 'public-key', alg: ES256 }],
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        attestation: 'none',
        timeout: PATIENCE_MS,
        extensions: { prf: { eval: { first: PRF_SALT } } } as AuthenticationExtensionsClientInputs,
      },
    }),
  );
  const answer = made.response as AuthenticatorAttestationResponse;
  const spki = answer.getPublicKey?.();
  if (!spki || answer.getPublicKeyAlgorithm() !== ES256) throw new PasskeyTrouble('unfit');
  const point = fit(() => pointOf(new Uint8Array(spki)));
  return { id: toBase64url(new Uint8Array(made.rawId)), address: accountOf(point), point: toBase64url(point) };
}

/** The signature of a hash, as a batch carries it. */
export async function sign(key: Passkey, hash: Uint8Array): Promise<Uint8Array> {
  ready();
  const got = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        rpId: location.hostname,
        challenge: Uint8Array.from(hash),
        allowCredentials: [{ type: 'public-key', id: Uint8Array.from(fromBase64url(key.id)) }],
        userVerification: 'required',
        timeout: PATIENCE_MS,
      },
    }),
  );
  const { authenticatorData, clientDataJSON, signature } = got.response as AuthenticatorAssertionResponse;
  const given = {
    authenticatorData: new Uint8Array(authenticatorData),
    clientData: new Uint8Array(clientDataJSON),
    signature: new Uint8Array(signature),
  };
  return fit(() => webauthnSignature(given, fromBase64url(key.point)));
}

/**
 * A key that the authenticator has and this app has forgotten, or that came here from the person's other device. The
 * authenticator does not tell the public key; two signatures have just one in common. Asks twice.
 */
export async function find(): Promise<Passkey> {
  ready();
  const first = await anySignature();
  const second = await anySignature(first.id);
  const known = second.points.map(toBase64url);
  const point = first.points.find((p) => known.includes(toBase64url(p)));
  if (!point) throw new PasskeyTrouble('unfit');
  return { id: toBase64url(first.id), address: accountOf(point), point: toBase64url(point) };
}

async function anySignature(id?: Uint8Array): Promise<{ id: Uint8Array; points: Uint8Array[] }> {
  const got = await asked(() =>
    navigator.credentials.get({
      publicKey: {
        rpId: location.hostname,
        challenge: random(32),
        allowCredentials: id ? [{ type: 'public-key', id: Uint8Array.from(id) }] : [],
        userVerification: 'required',
        timeout: PATIENCE_MS,
      },
    }),
  );
  const { authenticatorData, clientDataJSON, signature } = got.response as AuthenticatorAssertionResponse;
  const message = concat(new Uint8Array(authenticatorData), sha256(new Uint8Array(clientDataJSON)));
  const raw = new Uint8Array(signature);
  return { id: new Uint8Array(got.rawId), points: fit(() => candidates(compactOf(raw), message)) };
}

function ready(): void {
  const what = hindrance();
  if (what) throw new PasskeyTrouble(what);
}

async function asked(ask: () => Promise<Credential | null>): Promise<PublicKeyCredential> {
  let got: Credential | null;
  try {
    got = await ask();
  } catch (cause) {
    throw new PasskeyTrouble(troubleOf(cause));
  }
  if (!got) throw new PasskeyTrouble('cancelled');
  return got as PublicKeyCredential;
}

/** Browsers say little on purpose: a refusal, a key that is gone and a time run out all look the same. */
export function troubleOf(cause: unknown): Trouble {
  switch (cause instanceof Error || cause instanceof DOMException ? cause.name : '') {
    case 'NotAllowedError':
    case 'AbortError':
    case 'TimeoutError':
      return 'cancelled';
    case 'SecurityError':
      return 'bare';
    case 'NotSupportedError':
    case 'ConstraintError':
      return 'nothing';
    case 'InvalidStateError':
      return 'gone';
    default:
      return 'unfit';
  }
}

function fit<T>(run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw cause instanceof Malformed ? new PasskeyTrouble('unfit') : cause;
  }
}

function random(bytes: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(bytes));
}
