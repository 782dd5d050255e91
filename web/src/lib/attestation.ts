/**
 * What passes between this app and a body outside that says who stands before it (`docs/reference/attestors.md`): the
 * question in the query of its page, the signed statement in the fragment that comes back.
 */
import { fromBase64url, Malformed } from '$verifier/bytes';

export const METHOD = { card: 1, face: 2 } as const;
export type Method = keyof typeof METHOD;

/** What was asked, kept on this device until the person is back. */
export interface Asked {
  /** Drawn at random, and given back: nobody else's link is taken for the answer. */
  state: string;
  /** Number of the attestor. */
  attestor: number;
  /** Code of the home, as the person typed it. */
  home: string;
  /** Number of the home where the register could be read; else 0. */
  unit: number;
}

/** Who asks, and where. */
export interface Asking extends Asked {
  ledger: bigint;
  module: string;
  method: Method;
  account: string;
  /** Commitment to the owner where it is known which; else empty. */
  owner: string;
  lang: string;
  back: string;
}

/** What the attestor signed, with the names of `IAccounts.Statement`. */
export interface Statement {
  attestor: bigint;
  method: number;
  account: string;
  unit: bigint;
  owner: string;
  issuedAt: bigint;
  expiresAt: bigint;
  nonce: string;
}
export const ERRORS = ['declined', 'notRecognised', 'unavailable'] as const;
export type Returned = { state: string } & ({ statement: Statement; signature: string } | { error: (typeof ERRORS)[number] });

const PREFIX = '#attest.';
const HASH = /^0x[0-9a-f]{64}$/i;
const ADDRESS = /^0x[0-9a-f]{40}$/i;
const SIGNATURE = /^0x[0-9a-f]{130}$/i;
const STATE = /^[0-9a-f]{32}$/;
const NUMBER = /^\d{1,20}$/;

/** The attestor's page with the question. Throws `Malformed` where it is no https page: nothing else is opened. */
export function question(page: string, asked: Asking): string {
  const url = new URL(page);
  if (url.protocol !== 'https:') throw new Malformed('not an https page');
  const said: [string, string][] = [
    ['ledger', String(asked.ledger)],
    ['module', asked.module],
    ['attestor', String(asked.attestor)],
    ['method', asked.method],
    ['account', asked.account],
    ['home', asked.home],
    ['unit', asked.unit ? String(asked.unit) : ''],
    ['owner', asked.owner],
    ['lang', asked.lang],
    ['state', asked.state],
    ['return', asked.back],
  ];
  for (const [name, value] of said) if (value) url.searchParams.set(name, value);
  return url.href;
}

/** A state nobody can guess. */
export function newState(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

export const isReturn = (fragment: string): boolean => fragment.startsWith(PREFIX);

/** What came back. Throws `Malformed` where it is cut off or not what the page for attestors says. */
export function parseReturn(fragment: string): Returned {
  if (!isReturn(fragment)) throw new Malformed('not an answer');
  const said = record(text(fragment.slice(PREFIX.length)));
  const state = fits(said['state'], STATE);
  const error = ERRORS.find((name) => name === said['error']);
  if (error) return { state, error };
  const s = record(said['statement']);
  return {
    state,
    signature: fits(said['signature'], SIGNATURE),
    statement: {
      attestor: number(s['attestor']),
      method: Number(number(s['method'])),
      account: fits(s['account'], ADDRESS).toLowerCase(),
      unit: number(s['unit']),
      owner: fits(s['owner'], HASH),
      issuedAt: number(s['issuedAt']),
      expiresAt: number(s['expiresAt']),
      nonce: fits(s['nonce'], HASH),
    },
  };
}

function text(data: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(fromBase64url(data)));
  } catch {
    throw new Malformed('not an answer');
  }
}
function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Malformed('not an answer');
  return value as Record<string, unknown>;
}
function fits(value: unknown, pattern: RegExp): string {
  if (typeof value !== 'string' || !pattern.test(value)) throw new Malformed('not an answer');
  return value;
}
function number(value: unknown): bigint {
  const said = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return BigInt(fits(said, NUMBER));
}

/** Why an answer cannot be used, before anything is signed; nothing where it can. `now` in seconds. */
export function trouble(
  back: Returned,
  asked: Asked | null,
  { account, works, method, now }: { account: string | undefined; works: boolean; method: number; now: number },
): string {
  if (!asked || asked.state !== back.state) return 'notAsked';
  if ('error' in back) return back.error;
  const { statement: s } = back;
  if (s.account !== account?.toLowerCase()) return 'otherAccount';
  if (!works || Number(s.attestor) !== asked.attestor || s.method !== method) return 'notListed';
  if (s.expiresAt <= BigInt(Math.floor(now))) return 'late';
  if (asked.unit && s.unit !== BigInt(asked.unit)) return 'wrongHome';
  return '';
}
