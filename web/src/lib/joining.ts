/** The first run: a letter, a fingerprint, and this device acts for an owner. Loaded with the page that shows it. */
import { toHex } from '$verifier/bytes';
import { acting, SELF } from './actor.svelte';
import { write, type Written } from './chain';
import { meets } from './meeting';
import { failure, type Failure } from './failure';
import { people } from './i18n/people.svelte';
import { letterProof, type Letter } from './passkey/letter';
import { kept } from './passkey/store';
import { passkeyOf } from './passkey/signer';
import { rpc } from './rpc';
import { slips } from './receipts.svelte';
import { session } from './session.svelte';

/** What the person is asked for: a key, then its signature, then another one to sign in where only members read. */
export type Step = 'making' | 'signing' | 'entering';

/** Makes the key where there is none yet, redeems the letter with it, and signs in. `step` says which touch is due. */
export async function join(letter: Letter, unit: string, step: (due: Step) => void): Promise<Written> {
  step('making');
  const key = await passkeyOf(unit);
  step('signing');
  const chainId = BigInt(await rpc<string>('eth_chainId'));
  const proof = toHex(letterProof(letter, chainId, key.account ?? key.address));
  acting.becomeSelf(key.account ?? key.address);
  const written = await write(SELF, 'accounts', 'redeem', [letter.id, proof]);
  await enter(key.account ?? key.address, step);
  slips.add({ hash: written.hash, kind: 'InvitationUsed', title: unit, by: SELF, at: Math.floor(Date.now() / 1000) });
  return written;
}

/** Whoever joined may read what members read. Who says no here has joined all the same, and is asked again by the page that needs it. */
export async function enter(account: string, step: (due: Step) => void): Promise<void> {
  if (await meets(account)) return;
  step('entering');
  await session.byFinger().catch(() => {});
}

/** Acts for the account of this device's key from here on, where there is one. */
export function meet(): void {
  const key = kept();
  if (key) acting.becomeSelf(key.account);
}

/** A failure with the words of this piece where the rules refused. */
export function worded(cause: unknown): Failure {
  return reworded(failure(cause));
}
export function reworded(told: Failure): Failure {
  const text = people.t.refusals[told.code];
  return text ? { ...told, text } : told;
}
