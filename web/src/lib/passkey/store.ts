/** The keys of this device as the app remembers them between visits. Nothing secret: the authenticator keeps that. */
import { get, set } from '../prefs.svelte';
import type { Passkey } from './device';

const ADDRESS = /^0x[0-9a-f]{40}$/;

/** What this device knows of its own key; `account` is filled in. */
export function kept(): (Passkey & { account: string }) | null {
  try {
    const value = JSON.parse(get('passkey') ?? 'null') as Partial<Passkey> | null;
    const fits = ADDRESS.test(value?.address ?? '') && Boolean(value?.id) && Boolean(value?.point);
    if (!fits) return null;
    const key = value as Passkey;
    return { ...key, account: ADDRESS.test(key.account ?? '') ? (key.account as string) : key.address };
  } catch {
    return null;
  }
}

export function keep(key: Passkey): void {
  set('passkey', JSON.stringify(key));
}

/** The account of the person of this device: of its own key, or one that let this device in as a further one. */
export function ownAccount(): string | null {
  const further = get('device') ?? '';
  return kept()?.account ?? (ADDRESS.test(further) ? further : null);
}

/** This device is a further one of an account. */
export function joinAccount(account: string): void {
  set('device', account);
}

export function forgetKeys(): void {
  set('passkey', '');
  set('device', '');
}
