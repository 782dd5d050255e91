/** Makes a link of a filled form, and says whether one that came can be believed. Loaded with the pages that do. */
import { acting } from '../actor.svelte';
import { speaksFor, standingOf } from '../data/accounts';
import type { Doubt } from '../i18n/zh.help';
import { speakerOf } from '../passkey/verify';
import { href } from '../router.svelte';
import { rpc } from '../rpc';
import { ownSignature } from '../signin';
import { hashToSign, printPrepared, standing, untilOf, type Filled, type Form, type Prepared } from './link';

const ledger = async (): Promise<number> => Number(await rpc<string>('eth_chainId'));
const now = (): number => Math.floor(Date.now() / 1000);

/** Signed by whoever acts, for an account; throws `Explained` where the finger was not given. */
export async function prepare(form: Form, account: string): Promise<{ link: string; until: number }> {
  const helper = acting.now?.address.toLowerCase() ?? '';
  const filled: Filled = { chain: await ledger(), account, helper, until: untilOf(now()), form };
  const signature = await ownSignature(hashToSign(filled));
  return { link: `${location.origin}${href('prepared')}#${printPrepared(filled, signature)}`, until: filled.until };
}

/** Whether a form may be shown to whoever acts (`me`), by their own helper, in time, in this ledger; else why not. */
export async function doubtOf(prepared: Prepared, me: string): Promise<Doubt | null> {
  const plain = standing(prepared, await ledger(), now());
  if (plain) return plain;
  if (prepared.account !== me) return 'other';
  if ((await standingOf(me)).helper !== prepared.helper) return 'notHelper';
  const speaker = speakerOf(prepared.signature, prepared.hash);
  const theirs = speaker?.account === prepared.helper && (await speaksFor(speaker.key, prepared.helper));
  return theirs ? null : 'forged';
}
