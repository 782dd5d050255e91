/** The key of this device as the app remembers it between visits. Nothing secret: the authenticator keeps that. */
import { get, set } from '../prefs.svelte';
import type { Passkey } from './device';

export function kept(): Passkey | null {
  try {
    const value = JSON.parse(get('passkey') ?? 'null') as Partial<Passkey> | null;
    const fits = /^0x[0-9a-f]{40}$/.test(value?.address ?? '') && Boolean(value?.id) && Boolean(value?.point);
    return fits ? (value as Passkey) : null;
  } catch {
    return null;
  }
}

export function keep(key: Passkey): void {
  set('passkey', JSON.stringify(key));
}
