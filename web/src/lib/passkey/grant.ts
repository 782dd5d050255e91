/** What an everyday key is allowed in this app: which calls, how much money, how long. */
import { moduleAddress, type ModuleName } from '../modules';
import { keccakHex } from '../sha';
import type { Allowed } from './everyday';

/** Small acts of the app that move no money. Names are keys of the words. */
const ACTS: readonly (readonly [string, ModuleName, string])[] = [['object', 'registry', 'object(uint64,uint64,bytes32)']];
/** The one call that pays, at each asset. */
const PAY = 'transferWithMemo(address,uint256,bytes32)';
/** Yuan in one period; the first is none. */
export const LIMITS = [0, 200, 500, 1_000] as const;
/** Days. */
export const TERMS = [30, 90, 365] as const;
const PERIOD_SECONDS = 30 * 86_400;
/** Entries that the ledger takes in one scope. */
const SCOPE_MOST = 16;

export const selectorOf = (signature: string): `0x${string}` => keccakHex(signature).slice(0, 10) as `0x${string}`;

/** What is asked for: `limit` in yuan, `tokens` the assets that may be paid in. */
export function allowance(limit: number, days: number, tokens: readonly string[], now = Math.floor(Date.now() / 1000)): Allowed {
  const acts = ACTS.map(([, module, call]) => ({ target: moduleAddress(module) as string, selector: selectorOf(call) as string }));
  const pays = limit ? tokens.map((token) => ({ target: token.toLowerCase(), selector: selectorOf(PAY) as string })) : [];
  return {
    // A minute less: the book's clock may be a little behind, and more than 366 days it refuses.
    expiresAt: now + days * 86_400 - 60,
    limit: String(limit * 100),
    periodSeconds: limit ? PERIOD_SECONDS : 0,
    scope: [...acts, ...pays].slice(0, SCOPE_MOST),
  };
}

/** The same as `accounts.authoriseKey` takes it; `label` is the mark of the device's name. */
export function grantOf(key: string, suite: number, allowed: Allowed, label: string): object {
  return {
    key,
    suite,
    label,
    expiresAt: BigInt(allowed.expiresAt),
    limitFen: BigInt(allowed.limit),
    periodSeconds: BigInt(allowed.periodSeconds),
    scope: allowed.scope,
  };
}

/** Names of what an entry of a scope allows, `null` where this app does not know it. */
export function actOf(target: string, selector: string): string | null {
  const known = ACTS.find(([, module, call]) => moduleAddress(module) === target.toLowerCase() && selectorOf(call) === selector);
  if (known) return known[0];
  return selectorOf(PAY) === selector ? 'pay' : null;
}
