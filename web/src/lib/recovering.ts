/** A new main key on its way: what this phone remembers of it, and how it takes over the account. Loaded with its page. */
import { SELF, acting } from './actor.svelte';
import { write } from './chain';
import { recoveryOf, standingOf, type Recovery } from './data/accounts';
import { meets } from './meeting';
import { moduleAddress } from './modules';
import { selectorOf } from './passkey/grant';
import { newPasskey } from './passkey/signer';
import { keep, kept } from './passkey/store';
import { get, set } from './prefs.svelte';
import { rpc, RpcError } from './rpc';
import { slips } from './receipts.svelte';
import { session } from './session.svelte';
import { ReadError } from './api';

/** What a guardian told of the account; times are seconds, 0 for not known. */
export interface Answer {
  account: string;
  id: number;
  readyAt: number;
}
export interface Pending {
  /** Address of the new key. */
  key: string;
  answer: Answer | null;
}
export type Progress =
  /** Nobody here may read it before the key is the account's: what the guardian said counts. */
  { at: 'told'; readyAt: number } | { at: 'asked' } | { at: 'open'; recovery: Recovery } | { at: 'over'; stage: number } | { at: 'ours' };

const VETOED = 3;

export function pending(): Pending | null {
  try {
    return JSON.parse(get('recovering') ?? 'null') as Pending | null;
  } catch {
    return null;
  }
}
export function note(value: Pending | null): void {
  set('recovering', value ? JSON.stringify(value) : '');
}

/** Makes the key that shall take over. Until then it signs for an account of its own, which is nobody's. */
export async function begin(name: string): Promise<Pending> {
  const made = await newPasskey(name);
  keep(made);
  const value = { key: made.address, answer: null };
  note(value);
  return value;
}

/** Where it stands, as far as this phone may read. */
export async function progress({ key, answer }: Pending): Promise<Progress> {
  if (!answer) return { at: 'asked' };
  try {
    const standing = await standingOf(answer.account);
    if (standing.root === key) return { at: 'ours' };
    const found = await recoveryOf(answer.account, answer.id);
    if (!found || found.key !== key) return { at: 'asked' };
    if (found.stage >= VETOED) return { at: 'over', stage: found.stage };
    return { at: 'open', recovery: found };
  } catch (cause) {
    if (cause instanceof ReadError && (cause.status === 401 || cause.status === 403)) return rehearsed(key, answer);
    throw cause;
  }
}

/**
 * Who may read nothing may still rehearse the end of a recovery, because anybody may finish one: the refusal tells when it
 * can be, or that it is over. Where it tells neither, what the guardian said counts.
 */
async function rehearsed(key: string, { id, readyAt }: Answer): Promise<Progress> {
  if (!id) return { at: 'told', readyAt };
  const data = `${selectorOf('finishRecovery(uint64)')}${id.toString(16).padStart(64, '0')}`;
  try {
    await rpc('eth_call', [{ from: key, to: moduleAddress('accounts'), data }, 'latest']);
    return { at: 'told', readyAt: Math.min(readyAt || Infinity, Math.floor(Date.now() / 1000)) };
  } catch (cause) {
    const said = cause instanceof RpcError ? cause.data : undefined;
    const refusal = typeof said === 'string' ? said : ((said as { data?: string } | undefined)?.data ?? '');
    // The error's name, the number of the recovery, and what it says of it.
    const value = Number(`0x${refusal.slice(74, 138) || '0'}`);
    if (refusal.startsWith(selectorOf('TooEarly(uint64,uint64)'))) return { at: 'told', readyAt: value };
    if (refusal.startsWith(selectorOf('RecoveryOver(uint64,uint8)')) && value >= VETOED) return { at: 'over', stage: value };
    return { at: 'told', readyAt };
  }
}

/** Finishes the recovery, which anybody may, and takes up the account. */
export async function finish(value: Pending, id: number, title: string): Promise<void> {
  const key = kept();
  if (!key || !value.answer) return;
  acting.becomeSelf(key.account);
  const { hash } = await write(SELF, 'accounts', 'finishRecovery', [BigInt(id)]);
  slips.add({ hash, kind: 'RecoveryDone', title, by: SELF, at: Math.floor(Date.now() / 1000) });
  await adopt(value);
}

/** From now on this phone's key signs for the account, and reads in its name; who says no to that is asked again later. */
export async function adopt({ answer }: Pending): Promise<void> {
  const key = kept();
  if (!key || !answer) return;
  keep({ id: key.id, address: key.address, point: key.point, account: answer.account });
  acting.becomeSelf(answer.account);
  note(null);
  if (!(await meets(answer.account))) await session.byFinger().catch(() => undefined);
}
