/** The check that makes a receipt jade: run here, against offices this device already knows. */
import {
  anchorOf,
  namespaceOf,
  toHex,
  verifyPage,
  verifyReceipt,
  type Anchor,
  type PageProof,
  type ReceiptProof,
  type Refuted,
  type Verified,
  type VerifiedPage,
} from '$verifier/index';
import { rpc, RpcError } from './rpc';
import { trusted } from './trust';

export interface Checked {
  proof: ReceiptProof;
  verdict: Verified | Refuted;
}

/** Fetches a proof and checks it here. `null` while the book does not have the receipt. */
export async function check(hash: string): Promise<Checked | null> {
  let proof: ReceiptProof | null;
  try {
    proof = await rpc<ReceiptProof | null>('tulou_getReceiptProof', [hash]);
  } catch (cause) {
    if (cause instanceof RpcError && cause.code !== -32601) return null;
    throw cause;
  }
  if (!proof) return null;
  return { proof, verdict: await verifyReceipt(proof, pinned(proof)) };
}

/**
 * The offices this device trusts: those of the sheet in the lobby, else those it met first for this book. A book with
 * another start is another book (a fresh demo) and is met anew, but never where the lobby has spoken.
 */
function pinned(proof: PageProof): Anchor {
  const known = trusted();
  if (known && (known.from === 'lobby' || known.sheet.genesis.toLowerCase() === proof.chain.genesis.toLowerCase()))
    return { genesis: known.sheet.genesis, namespace: toHex(namespaceOf(known.sheet)), validators: known.sheet.validators };
  return anchorOf(proof);
}

export interface CheckedPage {
  proof: PageProof;
  /** `null` for a page without signatures of its own: it became final with a later one. */
  verdict: VerifiedPage | Refuted | null;
}

/** Fetches a page and checks it here. `null` while the server does not have it. */
export async function checkPage(height: string): Promise<CheckedPage | null> {
  const proof = await rpc<PageProof | null>('tulou_getFinality', [height]);
  if (!proof) return null;
  return { proof, verdict: proof.certificate === '0x' ? null : await verifyPage(proof, pinned(proof)) };
}

/** Checks the newest page of the book; returns how many offices signed it, 0 where it does not hold. */
export async function latestCheck(): Promise<number> {
  const verdict = (await checkPage('latest'))?.verdict;
  return verdict?.ok ? verdict.signed.filter(Boolean).length : 0;
}
