/** What is kept about a person, gathered for the person; and what this device can forget. Loaded with its page. */
import { acting } from './actor.svelte';
import { devicesOf, type Devices } from './data/accounts';
import { motions, votesOf } from './data/decisions';
import { unitsOf, type Unit } from './data/registry';
import { drafts, type Draft } from './drafts';
import { dropEverydayKey, everydayKeyOf, type Allowed } from './passkey/everyday';
import { names, type Name } from './passkey/names';
import { forgetKeys, kept } from './passkey/store';
import { set } from './prefs.svelte';
import { slips, type Slip } from './receipts.svelte';
import { session } from './session.svelte';
import { shelf, type Waiting } from './waiting.svelte';

export interface OnLedger {
  account: string;
  units: Unit[];
  ballots: { motion: number; title: string; choice: number }[];
  devices: Devices;
}
export interface OnDevice {
  /** Public parts only: the key itself cannot be read. */
  passkey: { account: string; address: string; point: string } | null;
  everyday: { address: string; point: string; allowed: Allowed | null } | null;
  slips: Slip[];
  waiting: Waiting[];
  drafts: Draft[];
  /** What the person calls their devices, by key. */
  names: Record<string, Name>;
}

export async function onLedger(account: string): Promise<OnLedger> {
  const [units, devices, all] = await Promise.all([unitsOf(account), devicesOf(account), motions()]);
  const votes = await Promise.all(
    all.map(async (m) => (await votesOf(m.id, account)).map((v) => ({ motion: m.id, title: m.title, choice: v.choice }))),
  );
  return { account, units, devices, ballots: votes.flat().filter((v) => v.choice > 0) };
}

export async function onDevice(account: string): Promise<OnDevice> {
  const key = kept();
  const everyday = account ? await everydayKeyOf(account) : null;
  return {
    passkey: key && { account: key.account, address: key.address, point: key.point },
    everyday: everyday && { address: everyday.address, point: everyday.point, allowed: everyday.allowed },
    slips: slips.all,
    waiting: shelf.all,
    drafts: drafts.all(),
    names: names(),
  };
}

/** Signs out and forgets everything but language and size of type, and the seals that the book is checked with. */
export async function eraseDevice(account: string): Promise<void> {
  await session.leave(false).catch(() => undefined);
  if (account) await dropEverydayKey(account);
  forgetKeys();
  shelf.clear();
  slips.clear();
  for (const name of ['drafts', 'names', 'roll', 'memory', 'recovering', 'asked']) set(name, '');
  acting.leave();
}

/** Hands a text to the person as a file. */
export function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/plain;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
