/** Signs small acts to be sent later, and sends them. Loaded when there is one. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { fromHex, toHex } from '$verifier/bytes';
import { SELF } from './actor.svelte';
import type { Signer } from './chain';
import { i18n } from './i18n/index.svelte';
import { people } from './i18n/people.svelte';
import { live } from './live.svelte';
import { quietSigner, type Wanted } from './passkey/signer';
import { slips } from './receipts.svelte';
import { rpc, RpcError } from './rpc';
import { href } from './router.svelte';
import { toast } from './toast.svelte';
import { memory, remember, shelf, type Waiting } from './waiting.svelte';

/** How long a signed act may wait for a network. */
export const WAITS_SECONDS = 3 * 86_400;
/** Enough for any small act; gas costs nothing, and nobody can be asked. */
const GAS = 1_000_000n;

const now = (): number => Math.floor(Date.now() / 1000);

/** Signs an act by what this device remembers of its account, and puts it on the shelf; the hash of what was signed. */
export async function signAside(signer: Signer, wanted: Wanted, data: string, slip: Waiting['slip']): Promise<string> {
  const known = memory();
  if (known?.account !== signer.address.toLowerCase()) throw new TypeError('offline');
  const ahead = shelf.all.filter((w) => w.account === known.account && (w.state === 'open' || w.state === 'sent')).length;
  const entry: Waiting = {
    hash: '',
    raw: '',
    account: known.account,
    nonce: known.next + ahead,
    to: wanted.to,
    data,
    spends: String(wanted.spends),
    before: now() + WAITS_SECONDS,
    at: now(),
    state: 'open',
    slip,
  };
  const signed = await sign(signer, entry, known.chainId, entry.nonce);
  shelf.put(signed);
  return signed.hash;
}

async function sign(signer: Signer, entry: Waiting, chainId: number, nonce: number): Promise<Waiting> {
  const calls: [{ to: `0x${string}`; data: `0x${string}` }] = [{ to: entry.to as `0x${string}`, data: entry.data as `0x${string}` }];
  const raw = await signer.sign({ chainId, nonce, gas: GAS, calls, before: entry.before });
  return { ...entry, nonce, raw, hash: toHex(keccak_256(fromHex(raw))), state: 'open' };
}

/** Sends all that waits, in order. Stops at the first that cannot be sent for want of a network. */
export async function sendAll(): Promise<void> {
  for (const entry of shelf.all) {
    if (entry.state !== 'open' && entry.state !== 'sent') continue;
    await sendOne(entry);
  }
}

async function sendOne(entry: Waiting): Promise<void> {
  if (await settled(entry)) return;
  if (entry.before <= now()) {
    shelf.change(entry.hash, { ...entry, state: 'expired' });
    return;
  }
  const [latest, pending] = await Promise.all(['latest', 'pending'].map((at) => nonceOf(entry.account, at)));
  let ready: Waiting | null = entry;
  // Another act took its place, or one before it never came: as it is it cannot be written, so it is signed anew. One
  // that may still be on its way is left alone, or it could come twice.
  if ((latest ?? 0) > entry.nonce) ready = (await settled(entry)) ? null : await again(entry, pending ?? 0);
  else if (entry.state === 'open' && pending !== entry.nonce) ready = await again(entry, pending ?? 0);
  if (!ready) return;
  // Written down before it is sent: whatever happens meanwhile, nobody takes it for unsent.
  const sent: Waiting = { ...ready, state: 'sent' };
  shelf.change(ready.hash, sent);
  try {
    await rpc('eth_sendRawTransaction', [sent.raw]);
  } catch (cause) {
    if (!(cause instanceof RpcError)) throw cause;
    if (!/already known/.test(cause.message)) {
      shelf.change(sent.hash, { ...sent, state: 'refused', why: cause.message });
      return;
    }
  }
  for (let tries = 0; tries < 20; tries += 1) {
    if (await settled(sent)) return;
    await new Promise((done) => setTimeout(done, 300));
  }
}

const nonceOf = async (account: string, at: string): Promise<number> => Number(await rpc<string>('eth_getTransactionCount', [account, at]));

/** Whether the ledger has it by now; then it leaves the shelf, as a receipt or as a refusal. */
async function settled(entry: Waiting): Promise<boolean> {
  const receipt = await rpc<{ status: string } | null>('eth_getTransactionReceipt', [entry.hash]);
  if (!receipt) return false;
  const known = memory();
  if (known?.account === entry.account) remember({ ...known, next: Math.max(known.next, entry.nonce + 1) });
  if (BigInt(receipt.status) !== 1n) {
    shelf.change(entry.hash, { ...entry, state: 'refused', why: '' });
    return true;
  }
  shelf.change(entry.hash, null);
  slips.add({ ...entry.slip, hash: entry.hash, by: SELF, at: now() });
  live.bump();
  toast.show(people.t.waiting.sent(entry.slip.title), { href: href('receipt', { hash: entry.hash }), text: i18n.t.ballot.see });
  return true;
}

async function again(entry: Waiting, nonce: number): Promise<Waiting | null> {
  const wanted: Wanted = { to: entry.to, selector: entry.data.slice(0, 10), spends: BigInt(entry.spends) };
  const signer = await quietSigner(entry.account, wanted);
  if (!signer) {
    shelf.change(entry.hash, { ...entry, state: 'refused', why: people.t.waiting.noKey });
    return null;
  }
  const chainId = Number(await rpc<string>('eth_chainId'));
  const signed = await sign(signer, entry, chainId, nonce);
  shelf.change(entry.hash, signed);
  return signed;
}
