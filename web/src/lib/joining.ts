/** The first run: a letter, a fingerprint, and this device acts for an owner. Loaded with the page that shows it. */
import { toHex } from '$verifier/bytes';
import { acting, SELF } from './actor.svelte';
import { write, type Written } from './chain';
import { failure, type Failure } from './failure';
import { people } from './i18n/people.svelte';
import { letterProof, type Letter } from './passkey/letter';
import { passkeyOf } from './passkey/signer';
import { rpc } from './rpc';
import { slips } from './receipts.svelte';

/** Makes the key where there is none yet, and redeems the letter with it. `step` says when the second touch is due. */
export async function join(letter: Letter, unit: string, step: () => void): Promise<Written> {
  const key = await passkeyOf(unit);
  step();
  const chainId = BigInt(await rpc<string>('eth_chainId'));
  const proof = toHex(letterProof(letter, chainId, key.account ?? key.address));
  acting.becomeSelf(key.account ?? key.address);
  const written = await write(SELF, 'accounts', 'redeem', [letter.id, proof]);
  slips.add({ hash: written.hash, kind: 'InvitationUsed', title: unit, by: SELF, at: Math.floor(Date.now() / 1000) });
  return written;
}

/** A failure with the words of this piece where the rules refused. */
export function worded(cause: unknown): Failure {
  return reworded(failure(cause));
}
export function reworded(told: Failure): Failure {
  const text = people.t.refusals[told.code];
  return text ? { ...told, text } : told;
}
