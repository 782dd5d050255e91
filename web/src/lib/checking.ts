/** The check that makes a receipt jade: run here, from the key sheet that this device pinned. */
import {
  followEpochs,
  LightClient,
  parseKeySheet,
  Refusal,
  type Node,
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
  /** Hash of the first page of the book that this device trusts. */
  genesis: string;
}

/** The node that serves this page. */
const home: Node = {
  name: 'home',
  async ask(method, params) {
    try {
      return await rpc<unknown>(method, params);
    } catch (cause) {
      if (cause instanceof RpcError) throw new Refusal(cause.message);
      throw cause;
    }
  },
};

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
  const client = await reader();
  const found = proof;
  const verdict = await upToDate(client, () => client.receipt(found, hash));
  return { proof, verdict, genesis: client.sheet.genesis };
}

/** Checks the newest page of the book; returns how many offices signed it, 0 where it does not hold. */
export async function latestCheck(): Promise<number> {
  const proof = await rpc<PageProof | null>('tulou_getFinality', ['latest']);
  if (!proof || proof.certificate === '0x') return 0;
  const client = await reader();
  const verdict = await upToDate(client, () => client.page(proof));
  return verdict.ok ? verdict.signed.filter(Boolean).length : 0;
}

/**
 * Pins the book of a key sheet, as scanned in the lobby: from now on this device believes that one only. Throws `SheetError` where
 * the text is none. Returns whether it is the book that was pinned before.
 */
export function pin(text: string): boolean {
  const sheet = parseKeySheet(text);
  const before = known();
  set('scanned', sheet.genesis);
  const same = before?.sheet.genesis === sheet.genesis && before.sheet.chainId === sheet.chainId;
  if (!same) keep(new LightClient(sheet));
  return same;
}

/** What this device has pinned; null before the first visit. */
export function known(): LightClient | null {
  return LightClient.load(get('book') ?? '');
}

function keep(client: LightClient): void {
  set('book', client.save());
}

/** On one's own machine a book may be begun anew under the same address: the demo often is. */
const isOwnMachine = (): boolean => ['localhost', '127.0.0.1', '[::1]'].includes(location.hostname);

/**
 * The book this device trusts: that of the sheet it scanned, or of the one it met first. Pages of a pinned book that do not hold stay
 * refuted, whatever book the server says it keeps.
 */
async function reader(): Promise<LightClient> {
  const pinned = known();
  if (pinned && (!isOwnMachine() || get('scanned') === pinned.sheet.genesis)) return pinned;
  const sheet = await rpc<{ text: string }>('tulou_getKeySheet');
  const offered = parseKeySheet(sheet.text);
  if (pinned && pinned.sheet.genesis === offered.genesis) return pinned;
  const client = new LightClient(offered);
  keep(client);
  return client;
}

/** Checks; where the offices of that time are not known yet, follows the epochs and checks again. */
async function upToDate<T extends { ok: true } | Refuted>(client: LightClient, work: () => Promise<T>): Promise<T> {
  let verdict = await work();
  if (!verdict.ok && verdict.step === 'epoch') {
    await followEpochs([home], client);
    verdict = await work();
  }
  if (verdict.ok) keep(client);
  return verdict;
}
