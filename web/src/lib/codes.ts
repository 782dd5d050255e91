/**
 * The square codes that a person's phones show each other. Each is a link whose fragment is `1.` and parts with dots between;
 * a fragment stays in the browser. None is secret: what it asks for, somebody still has to sign.
 *
 *     /devices/new#1.<account>                      this is my account: come in with another device, or name me a guardian
 *     /devices/add#1.<account>.<key>                a device asks the account's main key to let it in
 *     /vouch#1.<key>.<suite>                        somebody without a phone asks guardians for a new main key
 *     /recover#1.<account>[.<recovery>.<readyAt>]   a guardian's answer
 */
import { keccakHex } from './sha';
import { checkCode } from './format';
import { href, type RouteName } from './router.svelte';

const ADDRESS = /^0x[0-9a-f]{40}$/;

/** As in `IAccounts.Suite`. */
export const enum Suite {
  Secp256k1 = 1,
  P256 = 2,
  WebAuthn = 3,
}

const link = (to: RouteName, ...parts: (string | number)[]): string => `${location.origin}${href(to)}#1.${parts.join('.')}`;
const parts = (fragment: string): string[] | null => {
  const [version, ...rest] = (fragment.split('#')[1] ?? fragment).split('.');
  return version === '1' ? rest : null;
};

export const accountLink = (account: string): string => link('deviceNew', account);
export const addLink = (account: string, key: string): string => link('deviceAdd', account, key);
export const vouchLink = (key: string, suite: Suite): string => link('vouch', key, suite);
export const answerLink = (account: string, recovery: { id: number; readyAt: number } | null): string =>
  recovery ? link('recover', account, recovery.id, recovery.readyAt) : link('recover', account);

/** An account in a link, or written out. */
export function accountIn(text: string): string | null {
  const found = text.trim().toLowerCase();
  const first = parts(found)?.[0] ?? found;
  return ADDRESS.test(first) ? first : null;
}
export function addIn(text: string): { account: string; key: string } | null {
  const [account = '', key = ''] = parts(text.trim().toLowerCase()) ?? [];
  return ADDRESS.test(account) && ADDRESS.test(key) ? { account, key } : null;
}
export function vouchIn(text: string): { key: string; suite: Suite } | null {
  const [key = '', suite = ''] = parts(text.trim().toLowerCase()) ?? [];
  return ADDRESS.test(key) && /^[123]$/.test(suite) ? { key, suite: Number(suite) } : null;
}
export function answerIn(text: string): { account: string; id: number; readyAt: number } | null {
  const [account = '', id = '0', readyAt = '0'] = parts(text.trim().toLowerCase()) ?? [];
  return ADDRESS.test(account) && /^\d{1,15}$/.test(id) && /^\d{1,15}$/.test(readyAt)
    ? { account, id: Number(id), readyAt: Number(readyAt) }
    : null;
}

/** What two people read to each other to know that they speak of the same key. */
export const keyCode = (key: string): string[] => checkCode(keccakHex(key.toLowerCase()));
