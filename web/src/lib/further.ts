/** A further device of a person finds out that it was let in. */
import { deviceKeyOf } from './data/accounts';
import { joinAccount } from './passkey/store';
import { keepEverydayKey, type EverydayKey } from './passkey/everyday';
import { session } from './session.svelte';

/** True once the account has let the key in; from then on this device is one of the account's. */
export async function enter(key: EverydayKey): Promise<boolean> {
  // Where only members read, signing in is the question and its answer.
  if ((await session.look()) !== 'open' && session.account !== key.account && !(await session.byEveryday(key))) return false;
  const found = await deviceKeyOf(key.account, key.address);
  if (!found) return false;
  const { expiresAt, limit, periodSeconds, scope } = found;
  await keepEverydayKey({ ...key, allowed: { expiresAt, limit: String(limit), periodSeconds, scope } });
  joinAccount(key.account);
  return true;
}
