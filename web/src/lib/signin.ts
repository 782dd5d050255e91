/** Signs the text that the server composes for a sign-in (EIP-4361), by whoever acts. Loaded when somebody signs in. */
import { secp256k1 } from '@noble/curves/secp256k1.js';
import { keccak_256 } from '@noble/hashes/sha3.js';
import { concat, toHex } from '$verifier/bytes';
import { acting, SELF } from './actor.svelte';
import { deviceKeyOf } from './data/accounts';
import { demoAddress, demoKey } from './demo';
import { Explained } from './failure';
import { people } from './i18n/people.svelte';
import { everydayKeyOf, everydaySignature, type EverydayKey } from './passkey/everyday';
import { kept } from './passkey/store';

export interface SignedIn {
  account: string;
  class: string;
  token: string;
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

/** A token of somebody of the demo, to read with beside the session of this browser, which stays as it is. */
export const demoToken = async (name: string): Promise<string> =>
  (await signIn(demoAddress(name), async (hash) => demoSignature(name, hash), 'omit')).token;

/** By this everyday key; `null` where the account has not let it in, or has ended it. */
export async function byEverydayKey(key: EverydayKey): Promise<SignedIn | null> {
  return signIn(key.account, (hash) => everydaySignature(key, hash)).catch(() => null);
}

/** By the main key of this device; asks for a finger. */
export async function byMainKey(): Promise<SignedIn> {
  const { account, sign } = await byRoot();
  const told = await signIn(account, sign);
  acting.becomeSelf(account);
  return told;
}

/** The signature of a hash by whoever acts: quietly where a key may, else by the main key, which asks for a finger. */
export async function ownSignature(hash: Uint8Array): Promise<Uint8Array> {
  const who = acting.now;
  if (who && who.name !== SELF) return demoSignature(who.name, hash);
  const account = who?.address ?? '';
  const everyday = await everydayKeyOf(account);
  // The ledger's word: a key that was ended elsewhere signs nothing that anybody would believe.
  if (everyday?.allowed && (await deviceKeyOf(account, everyday.address))) return everydaySignature(everyday, hash);
  return (await byRoot()).sign(hash);
}

async function byRoot(): Promise<{ account: string; sign: (hash: Uint8Array) => Promise<Uint8Array> }> {
  const key = kept();
  if (!key) throw new Explained(people.t.session.noKey, people.t.session.noKeyText);
  const { mainSignature } = await import('./passkey/signer');
  return { account: key.account, sign: (hash) => mainSignature(key, hash) };
}

async function signIn(
  account: string,
  sign: (hash: Uint8Array) => Promise<Uint8Array>,
  credentials: RequestCredentials = 'same-origin',
): Promise<SignedIn> {
  const { message } = (await post('/api/v1/session/challenge', { account }, credentials)) as { message: string };
  const signature = toHex(await sign(textHash(message)));
  return (await post('/api/v1/session', { message, signature }, credentials)) as SignedIn;
}

async function post(path: string, body: object, credentials: RequestCredentials): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(path, { method: 'POST', headers, credentials, body: JSON.stringify(body) });
  if (answer.ok) return answer.json();
  const t = people.t.session;
  throw answer.status === 429 ? new Explained(t.tooOften, t.tooOftenText) : new Explained(t.refused, t.refusedText);
}

function demoSignature(name: string, hash: Uint8Array): Uint8Array {
  const signed = secp256k1.sign(hash, demoKey(name), { prehash: false, lowS: true, format: 'recovered' });
  return concat(signed.subarray(1), Uint8Array.of(27 + (signed[0] ?? 0)));
}
