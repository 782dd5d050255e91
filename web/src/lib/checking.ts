/** The check that makes a receipt jade: run here, against offices this device already knows. */
import {
  anchorOf,
  sameAnchor,
  verifyPage,
  verifyReceipt,
  type Anchor,
  type PageProof,
  type ReceiptProof,
  type Refuted,
  type Verified,
} from '$verifier/index';
import { get, set } from './prefs.svelte';
import { rpc, RpcError } from './rpc';

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
 * The offices this device trusts: those it met first for this book, until someone forgets them.
 * A book with another start is another book (a fresh demo), so it is met anew.
 */
function pinned(proof: PageProof): Anchor {
  const offered = anchorOf(proof);
  let known: Anchor | null = null;
  try {
    known = JSON.parse(get('anchor') ?? 'null') as Anchor | null;
  } catch {
    known = null;
  }
  if (known && known.genesis.toLowerCase() === offered.genesis.toLowerCase()) return known;
  if (!known || !sameAnchor(known, offered)) set('anchor', JSON.stringify(offered));
  return offered;
}

/** Checks the newest page of the book; returns how many offices signed it, 0 where it does not hold. */
export async function latestCheck(): Promise<number> {
  const proof = await rpc<PageProof | null>('tulou_getFinality', ['latest']);
  if (!proof || proof.certificate === '0x') return 0;
  const verdict = await verifyPage(proof, pinned(proof));
  return verdict.ok ? verdict.signed.filter(Boolean).length : 0;
}
