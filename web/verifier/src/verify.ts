import { keccak_256 } from '@noble/hashes/sha3.js';
import { equal, fromHex, Malformed, toHex } from './bytes';
import { decodeCertificate, ed25519, quorum, signedMessage } from './certificate';
import { decodeHeader, decodeReceipt, type Receipt } from './receipt';
import { indexKey } from './rlp';
import { trieValue } from './trie';

/** Answer of `tulou_getFinality`: one page and who signed it. All byte fields are 0x hex. */
export interface PageProof {
  header: string;
  certificate: string;
  namespace: string;
  validators: string[];
  chain: { id: number | string; genesis: string };
}

/** Answer of `tulou_getReceiptProof`: a page, and the path to a receipt on it. */
export interface ReceiptProof extends PageProof {
  index: number | string;
  receipt: string;
  proof: string[];
}

/** What the caller already trusts: which book, and who keeps it. */
export interface Anchor {
  genesis: string;
  namespace: string;
  validators: string[];
}

export type Step = 'anchor' | 'certificate' | 'header' | 'path';

export interface VerifiedPage {
  ok: true;
  height: bigint;
  timestamp: bigint;
  hash: string;
  /** One entry per office, in the order of the anchor. */
  signed: boolean[];
  needed: number;
}

export interface Verified extends VerifiedPage {
  receipt: Receipt;
}

export interface Refuted {
  ok: false;
  /** The first step that failed. */
  step: Step;
  reason: string;
}

/** Checks a page against what is already trusted. Never throws. */
export async function verifyPage(proof: PageProof, anchor: Anchor): Promise<VerifiedPage | Refuted> {
  const step: { now: Step } = { now: 'anchor' };
  try {
    return (await page(proof, anchor, step)).verdict;
  } catch (error) {
    return refuted(step.now, error);
  }
}

/** Checks a receipt against what is already trusted. Never throws. */
export async function verifyReceipt(proof: ReceiptProof, anchor: Anchor): Promise<Verified | Refuted> {
  const step: { now: Step } = { now: 'anchor' };
  try {
    const { verdict, receiptsRoot } = await page(proof, anchor, step);
    step.now = 'path';
    const raw = fromHex(proof.receipt);
    const found = trieValue(receiptsRoot, indexKey(Number(proof.index)), proof.proof.map(fromHex));
    if (!equal(found, raw)) throw new Malformed('another receipt stands there');
    return { ...verdict, receipt: decodeReceipt(raw) };
  } catch (error) {
    return refuted(step.now, error);
  }
}

/** Anchor, certificate, header, in this order; `step` says how far it came. */
async function page(proof: PageProof, anchor: Anchor, step: { now: Step }): Promise<{ verdict: VerifiedPage; receiptsRoot: Uint8Array }> {
  if (!sameAnchor(anchorOf(proof), anchor)) throw new Malformed('another book or other offices');
  step.now = 'certificate';
  const certificate = decodeCertificate(fromHex(proof.certificate));
  const signed = await checkSigners(certificate, anchor);
  step.now = 'header';
  const bytes = fromHex(proof.header);
  if (!equal(keccak_256(bytes), certificate.digest)) throw new Malformed('another page was signed');
  const header = decodeHeader(bytes);
  const verdict: VerifiedPage = {
    ok: true,
    height: header.number,
    timestamp: header.timestamp,
    hash: toHex(certificate.digest),
    signed,
    needed: quorum(anchor.validators.length),
  };
  return { verdict, receiptsRoot: header.receiptsRoot };
}

function refuted(step: Step, error: unknown): Refuted {
  return { ok: false, step, reason: error instanceof Error ? error.message : 'unreadable' };
}

/** The part of an answer that can be pinned on the first visit or compared with a printed one. */
export function anchorOf(proof: PageProof): Anchor {
  return { genesis: proof.chain.genesis, namespace: proof.namespace, validators: proof.validators };
}

export function sameAnchor(a: Anchor, b: Anchor): boolean {
  const low = (x: Anchor) => JSON.stringify([x.genesis, x.namespace, ...x.validators]).toLowerCase();
  return low(a) === low(b);
}

async function checkSigners(certificate: ReturnType<typeof decodeCertificate>, anchor: Anchor): Promise<boolean[]> {
  const n = anchor.validators.length;
  if (n === 0 || certificate.signed.length !== n) throw new Malformed('made by another set of offices');
  const message = signedMessage(fromHex(anchor.namespace), certificate.proposal);
  let next = 0;
  const signed: boolean[] = [];
  for (const [i, claims] of certificate.signed.entries()) {
    if (!claims) {
      signed.push(false);
      continue;
    }
    const key = fromHex(anchor.validators[i] ?? '');
    const signature = certificate.signatures[next] ?? new Uint8Array();
    next += 1;
    if (!(await ed25519(key, signature, message))) throw new Malformed(`signature ${i + 1} is wrong`);
    signed.push(true);
  }
  if (next < quorum(n)) throw new Malformed('too few offices signed');
  return signed;
}
