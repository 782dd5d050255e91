/** Keys of accounts as screens use them. */
import { big, list, num, obj, read, str, type Json, type Obj } from '../api';

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
