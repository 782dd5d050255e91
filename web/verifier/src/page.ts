/** A page of the book (a block's header): who certified it, and which headers link it to its certificate. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, equal, fromHex, toHex } from './bytes';
import { decodeCertificate, ed25519, quorum, signedMessage, type Certificate } from './certificate';
import { decodeHeader, type Header } from './receipt';
import { namespaceOf, type KeySheet } from './sheet';

/** What a check can fail at; every verifier, in whatever language, names the same step for the same wrong proof. */
export type Step = 'size' | 'certificate' | 'epoch' | 'header' | 'links' | 'set' | 'path' | 'transaction' | 'account' | 'storage';

/** Thrown inside the verifier only: the step that failed. */
export class Failed extends Error {
  constructor(
    readonly step: Step,
    reason: string,
  ) {
    super(reason);
  }
}

/** Of the answer of `tulou_getFinality`, what is checked. All byte fields are 0x hex. */
export interface PageProof {
  header: string;
  /** Empty (`0x`) for the first page. */
  certificate: string;
  /** Headers above this one, ascending, up to the certified one. */
  links?: string[];
}

export interface VerifiedPage {
  ok: true;
  height: bigint;
  timestamp: bigint;
  hash: string;
  epoch: bigint;
  /** The offices of that epoch, and whether each signed. None for the first page, which the key sheet names. */
  validators: string[];
  signed: boolean[];
  needed: number;
}

export interface Refuted {
  ok: false;
  /** The first step that failed. */
  step: Step;
  reason: string;
}

export interface CheckedPage {
  verdict: VerifiedPage;
  header: Header;
}

const MAX_LINKS = 1024;
const MAX_HEADER = 2048;
const MAX_CERTIFICATE = 16_384;

/** Runs one step; what goes wrong in it is its failure. */
export function at<T>(step: Step, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failed) throw error;
    throw new Failed(step, error instanceof Error ? error.message : 'unreadable');
  }
}

/** Checks a page; `offices` gives the offices of an epoch, or throws. Throws `Failed`. */
export async function checkPage(proof: PageProof, sheet: KeySheet, offices: (epoch: bigint) => string[]): Promise<CheckedPage> {
  const links = proof.links ?? [];
  const sizes = [proof.header, ...links].map((x) => x.length / 2 - 1);
  if (links.length > MAX_LINKS || Math.max(...sizes) > MAX_HEADER || proof.certificate.length / 2 - 1 > MAX_CERTIFICATE)
    throw new Failed('size', 'more than a page has');
  const bytes = at('header', () => fromHex(proof.header));
  const hash = keccak_256(bytes);
  const raw = at('certificate', () => fromHex(proof.certificate));
  if (raw.length === 0 && links.length === 0) {
    if (toHex(hash) !== sheet.genesis.toLowerCase()) throw new Failed('certificate', 'not the first page, and not certified');
    return found(
      at('header', () => decodeHeader(bytes)),
      hash,
      0n,
      [],
      [],
    );
  }
  const certificate = at('certificate', () => decodeCertificate(raw));
  const validators = offices(certificate.epoch);
  await checkSigners(certificate, validators, namespaceOf(sheet));
  const chain = [bytes, ...links.map((x) => at('links', () => fromHex(x)))];
  const top = chain[chain.length - 1] ?? bytes;
  if (!equal(keccak_256(top), certificate.digest)) throw new Failed('header', 'another page was signed');
  let header = at('header', () => decodeHeader(top));
  if (header.number / sheet.epochLength !== certificate.epoch) throw new Failed('epoch', 'signed in another epoch than the page is of');
  // From the signed header down: each names its parent by hash, and the parent stands one lower.
  for (const below of chain.slice(0, -1).reverse()) {
    if (!equal(keccak_256(below), header.parent)) throw new Failed('links', 'a header does not follow the one before it');
    const parent = at('header', () => decodeHeader(below));
    if (parent.number + 1n !== header.number) throw new Failed('links', 'a header does not follow the one before it');
    header = parent;
  }
  return found(header, hash, certificate.epoch, validators, certificate.signed);
}

function found(header: Header, hash: Uint8Array, epoch: bigint, validators: string[], signed: boolean[]): CheckedPage {
  const { number: height, timestamp } = header;
  const needed = validators.length === 0 ? 0 : quorum(validators.length);
  return { header, verdict: { ok: true, height, timestamp, hash: toHex(hash), epoch, validators, signed, needed } };
}

async function checkSigners(certificate: Certificate, validators: string[], namespace: Uint8Array): Promise<void> {
  const n = validators.length;
  if (n === 0 || certificate.signed.length !== n) throw new Failed('certificate', 'made by another set of offices');
  const places = certificate.signed.flatMap((signed, i) => (signed ? [i] : []));
  if (places.length < quorum(n)) throw new Failed('certificate', 'too few offices signed');
  const message = signedMessage(namespace, certificate.proposal);
  const good = await Promise.all(
    places.map((place, i) => ed25519(fromHex(validators[place] ?? ''), certificate.signatures[i] ?? new Uint8Array(), message)),
  );
  const wrong = good.indexOf(false);
  if (wrong >= 0) throw new Failed('certificate', `signature ${(places[wrong] ?? 0) + 1} is wrong`);
}

/** Commitment to the offices of an epoch, as the last page of the epoch before has it. */
export function officesHash(epoch: bigint, validators: string[]): Uint8Array {
  const numbers = new DataView(new ArrayBuffer(16));
  numbers.setBigUint64(0, epoch);
  numbers.setBigUint64(8, BigInt(validators.length));
  const domain = new TextEncoder().encode('tulou validators 1');
  return keccak_256(concat(domain, new Uint8Array(numbers.buffer), ...validators.map(fromHex)));
}
