/** Keys of accounts as screens use them. */
import { big, list, num, obj, read, readAll, ReadError, str, type Json, type Obj } from '../api';
import { moduleAddress, type ModuleName } from '../modules';
import { rpc } from '../rpc';
import { keccakHex } from '../sha';
import { holdersOf, unitByCode } from './registry';

export interface Letter {
  id: bigint;
  unit: number;
  expiresAt: number;
  /** As `InvitationStage`: 0 none, 1 open, 2 used, 3 revoked, 4 expired. */
  stage: number;
  account: string;
}
export interface Scope {
  target: string;
  /** All zero for every call of the target. */
  selector: string;
}
export interface DeviceKey {
  key: string;
  suite: number;
  expiresAt: number;
  limit: bigint;
  periodSeconds: number;
  spent: bigint;
  scope: Scope[];
}
export interface Guardian {
  /** All zero for an office. */
  account: string;
  office: number;
}
export interface Recovery {
  id: number;
  first: string;
  second: string;
  document: string;
  readyAt: number;
}
export interface Devices {
  root: string;
  frozenUntil: number;
  freezeCode: number;
  helper: string;
  guardians: Guardian[];
  keys: DeviceKey[];
  recovery: Recovery | null;
}

export const isZero = (hex: string): boolean => /^0x0*$/.test(hex);

const rows = (v: Json): Obj[] => list(Array.isArray(v) ? v : obj(v)['items']).map(obj);
/** A struct, bare or under its name. */
const bare = (v: Json): Obj => {
  const o = obj(v);
  const inner = o['value'];
  return inner !== null && typeof inner === 'object' && !Array.isArray(inner) ? inner : o;
};

/** A letter by the address of its one-time key. */
export async function letterOf(key: string): Promise<Letter> {
  const o = bare(await read('accounts', 'invitation_of', { letter_key: key }));
  const letter = obj(o['letter']);
  return {
    id: big(o['id']),
    unit: num(letter['unit']),
    expiresAt: num(letter['expires_at']),
    stage: num(o['stage']),
    account: str(o['account']),
  };
}

function toKey(o: Obj): DeviceKey {
  const grant = obj(o['grant']);
  return {
    key: str(grant['key']),
    suite: num(grant['suite']),
    expiresAt: num(grant['expires_at']),
    limit: big(grant['limit_fen']),
    periodSeconds: num(grant['period_seconds']),
    spent: big(o['spent_fen']),
    scope: list(grant['scope'])
      .map(obj)
      .map((s) => ({ target: str(s['target']).toLowerCase(), selector: str(s['selector']) })),
  };
}

/** All that the person of an account should see of its keys. */
export async function devicesOf(account: string): Promise<Devices> {
  const [a, keys, open] = await Promise.all([
    read('accounts', 'account', { of_account: account }),
    read('accounts', 'keys', { of_account: account }),
    read('accounts', 'open_recovery_of', { of_account: account }),
  ]);
  const [own, recovery] = [bare(a), bare(open)];
  return {
    root: str(own['root']).toLowerCase(),
    frozenUntil: num(own['frozen_until']),
    freezeCode: num(own['freeze_code']),
    helper: str(own['helper']),
    guardians: list(own['guardians'])
      .map(obj)
      .map((g) => ({ account: str(g['account']), office: num(g['office']) })),
    keys: rows(keys).map(toKey),
    recovery: num(recovery['id'])
      ? {
          id: num(recovery['id']),
          first: str(recovery['first']),
          second: str(recovery['second']),
          document: str(recovery['document']),
          readyAt: num(recovery['ready_at']),
        }
      : null,
  };
}

/** One device key of an account, `null` where the account does not know it or ended it. */
export async function deviceKeyOf(account: string, key: string): Promise<DeviceKey | null> {
  try {
    const o = bare(await read('accounts', 'key', { of_account: account, of_key: key }));
    return num(o['since_at']) && !num(o['revoked_at']) ? toKey(o) : null;
  } catch (cause) {
    if (cause instanceof ReadError && cause.status === 422) return null;
    throw cause;
  }
}

/** The recovery of an account that is open, or the one with this number. */
export async function recoveryOf(account: string, id: number): Promise<(Recovery & { stage: number; key: string }) | null> {
  const open = bare(await read('accounts', 'open_recovery_of', { of_account: account }));
  const found = num(open['id'])
    ? open
    : (await readAll('accounts', 'recoveries')).findLast(
        (r) => num(r['id']) === id || (!id && str(r['account']).toLowerCase() === account),
      );
  if (!found) return null;
  return {
    id: num(found['id']),
    first: str(found['first']),
    second: str(found['second']),
    document: str(found['document']),
    readyAt: num(found['ready_at']),
    stage: num(found['stage']),
    key: str(found['key']).toLowerCase(),
  };
}

/** The guardians and the helper of an account, and its root key. */
export async function standingOf(account: string): Promise<{ root: string; guardians: Guardian[]; helper: string; frozenUntil: number }> {
  const own = bare(await read('accounts', 'account', { of_account: account }));
  const guardians = list(own['guardians'])
    .map(obj)
    .map((g) => ({ account: str(g['account']).toLowerCase(), office: num(g['office']) }));
  const helper = str(own['helper']).toLowerCase();
  return { root: str(own['root']).toLowerCase(), guardians, helper, frozenUntil: num(own['frozen_until']) };
}

/** Whether a key may sign for an account now: its root key, or a device key that is not over. */
export async function speaksFor(key: string, account: string): Promise<boolean> {
  const now = Date.now() / 1000;
  const { root, frozenUntil } = await standingOf(account);
  if (frozenUntil > now) return false;
  return root === key || ((await deviceKeyOf(account, key))?.expiresAt ?? 0) > now;
}

/** Accounts whose helper somebody is now. */
export async function accountsHelpedBy(helper: string): Promise<string[]> {
  const named = await accountsIn('accounts', 'HelperNamed(address,address)', [null, `0x${helper.slice(2).padStart(64, '0')}`]);
  const now = await Promise.all(named.map(async (account) => (await standingOf(account)).helper));
  return named.filter((_, i) => now[i] === helper);
}

/** Accounts that stand for an owner of a home now, by its code. Empty where there is no such home or nobody joined. */
export async function accountsAt(code: string): Promise<string[]> {
  const home = await unitByCode(code.trim().toUpperCase()).catch(() => null);
  if (!home) return [];
  const owners = await holdersOf(home.id);
  const named = await accountsIn('registry', 'AccountAdded(address,bytes32,uint8,uint64)', [null, owners]);
  const now = await Promise.all(named.map(async (account) => str(obj(await read('registry', 'owner_of', { account }))['owner'])));
  return named.filter((_, i) => owners.includes(now[i] ?? ''));
}

/** The accounts that an event of a module named first, ever. */
async function accountsIn(module: ModuleName, event: string, rest: (string | string[] | null)[]): Promise<string[]> {
  const logs = await rpc<{ topics: string[] }[]>('eth_getLogs', [
    { fromBlock: '0x0', toBlock: 'latest', address: moduleAddress(module), topics: [keccakHex(event), ...rest] },
  ]);
  return [...new Set(logs.map((log) => `0x${(log.topics[1] ?? '').slice(26)}`.toLowerCase()))];
}
