/** Signs the text that the server composes for a sign-in (EIP-4361), by whoever acts. Loaded when somebody signs in. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, toHex } from '$verifier/bytes';
import { acting, SELF } from './actor.svelte';
import { demoKey } from './demo';
import { Explained } from './failure';
import { people } from './i18n/people.svelte';
import { everydayKeyOf, everydaySignature, type EverydayKey } from './passkey/everyday';
import { kept } from './passkey/store';

export interface SignedIn {
  account: string;
  class: string;
}

/** EIP-191: what an account signs of a text. */
export function textHash(text: string): Uint8Array {
  const bytes = new TextEncoder().encode(text);
  return keccak_256(concat(new TextEncoder().encode(`\x19Ethereum Signed Message:\n${bytes.length}`), bytes));
}

/** By the everyday key, or a key of the demo; `null` where there is none, or the server takes neither. */
export async function byQuietKey(): Promise<SignedIn | null> {
  const who = acting.now;
  if (!who) return null;
  if (who.name !== SELF) return signIn(who.address, async (hash) => demoSignature(who.name, hash)).catch(() => null);
  const key = await everydayKeyOf(who.address);
  if (!key?.allowed) return null;
  return byEverydayKey(key);
}

/** By this everyday key; `null` where the account has not let it in, or has ended it. */
export async function byEverydayKey(key: EverydayKey): Promise<SignedIn | null> {
  return signIn(key.account, (hash) => everydaySignature(key, hash)).catch(() => null);
}

/** By the main key of this device; asks for a finger. */
export async function byMainKey(): Promise<SignedIn> {
  const key = kept();
  if (!key) throw new Explained(people.t.session.noKey, people.t.session.noKeyText);
  const { mainSignature } = await import('./passkey/signer');
  const told = await signIn(key.account, (hash) => mainSignature(key, hash));
  acting.becomeSelf(key.account);
  return told;
}

async function signIn(account: string, sign: (hash: Uint8Array) => Promise<Uint8Array>): Promise<SignedIn> {
  const { message } = (await post('/api/v1/session/challenge', { account })) as { message: string };
  const signature = toHex(await sign(textHash(message)));
  return (await post('/api/v1/session', { message, signature })) as SignedIn;
}

async function post(path: string, body: object): Promise<unknown> {
  const answer = await fetch(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  if (answer.ok) return answer.json();
  const t = people.t.session;
  throw answer.status === 429 ? new Explained(t.tooOften, t.tooOftenText) : new Explained(t.refused, t.refusedText);
}

function demoSignature(name: string, hash: Uint8Array): Uint8Array {
  const signed = secp256k1.sign(hash, demoKey(name), { prehash: false, lowS: true, format: 'recovered' });
  return concat(signed.subarray(1), Uint8Array.of(27 + (signed[0] ?? 0)));
}
