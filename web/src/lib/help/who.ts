/** An account as people know it: its homes, and the short form of its address. */
import { accountsHelpedBy } from '../data/accounts';
import { unitsOf } from '../data/registry';
import { shortAddress, unitName } from '../format';
import { i18n } from '../i18n/index.svelte';
import { keysWords } from '../i18n/keys.svelte';
import { prefs } from '../prefs.svelte';

export async function homesOf(account: string): Promise<string> {
  return (await unitsOf(account)).map((u) => unitName(u.code, prefs.lang)).join(i18n.t.common.joined);
}

/** Homes and address: a home alone could be anybody's who lives there. No line breaks inside the address. */
export async function whoIs(account: string): Promise<string> {
  const homes = await homesOf(account);
  const code = shortAddress(account).replace('…', '\u2060…\u2060');
  return homes ? keysWords.t.guardians.home(homes, code) : code;
}

/** Those who named somebody their helper, by their homes. */
export async function helpedBy(me: string): Promise<{ account: string; who: string }[]> {
  // Events are not refused to strangers but left out: a read signs in first where that is needed.
  await unitsOf(me);
  const accounts = await accountsHelpedBy(me);
  return Promise.all(accounts.map(async (account) => ({ account, who: (await homesOf(account)) || shortAddress(account) })));
}
