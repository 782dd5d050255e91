/** Offices and their terms. */
import { num, readAll, str } from '../api';

export const enum Office {
  None,
  Chair,
  Member,
  Treasurer,
  Manager,
  Registrar,
  Auditor,
  StreetOffice,
  HousingBureau,
  Bank,
  Keeper,
  Counter,
}

export interface Mandate {
  id: number;
  office: number;
  holder: string;
  fromAt: number;
  untilAt: number;
  revokedAt: number;
  frozenUntil: number;
}

export const mandates = async (): Promise<Mandate[]> =>
  (await readAll('roles', 'mandates')).map((o) => ({
    id: num(o['id']),
    office: num(o['office']),
    holder: str(o['holder']).toLowerCase(),
    fromAt: num(o['from_at']),
    untilAt: num(o['until_at']),
    revokedAt: num(o['revoked_at']),
    frozenUntil: num(o['frozen_until']),
  }));

/** Mandates of an account that are in force at `now`. */
export const inTerm = (all: Mandate[], account: string | undefined, now = Date.now() / 1000): Mandate[] =>
  all.filter(
    (m) =>
      m.holder === account?.toLowerCase() &&
      m.fromAt <= now &&
      (m.untilAt === 0 || m.untilAt > now) &&
      m.revokedAt === 0 &&
      m.frozenUntil <= now,
  );
