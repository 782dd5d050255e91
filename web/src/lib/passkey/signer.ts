/**
 * The person of this device as one who signs. A small act is signed by the everyday key without a word, where the
 * account allows it; everything else by the main key, which asks for a finger.
 */
import { fromHex, toHex } from '$verifier/bytes';
import { bool, num, obj, read, ReadError } from '../api';
import type { Draft, Signer } from '../chain';
import { Explained } from '../failure';
import { people } from '../i18n/people.svelte';
import { encodeBatch, signingHash } from './batch';
import { find, PasskeyTrouble, register, sign, type Passkey } from './device';
import { everydayKeyOf, everydaySignature, type EverydayKey } from './everyday';
import { keychainHash, keychainSignature } from './keychain';
import { keep, kept, ownAccount } from './store';

/** Gas for checking the signature, which the estimate of a call does not know; for another's account, for counting too. */
const SIGNATURE_GAS = 30_000n;
const KEYCHAIN_GAS = 200_000n;

/** What one act would do, for the question whether the everyday key may. */
export interface Wanted {
  to: string;
  /** First four bytes of the call. */
  selector: string;
  /** Fen that it takes from the account. */
  spends: bigint;
}

/** Whoever of this device's keys may sign this act. Throws `Explained` where none can. */
export async function selfSigner(wanted: Wanted): Promise<Signer> {
  const account = ownAccount();
  const key = account ? await everydayKeyOf(account) : null;
  if (key && (await may(key, wanted))) return everydaySigner(key);
  return passkeySigner();
}

/** The everyday key alone, for what waits to be sent; `null` where it may not. */
export async function quietSigner(account: string, wanted: Wanted): Promise<Signer | null> {
  const key = await everydayKeyOf(account);
  return key && (await may(key, wanted)) ? everydaySigner(key) : null;
}

async function may(key: EverydayKey, wanted: Wanted): Promise<boolean> {
  if (!key.allowed || key.allowed.expiresAt <= Date.now() / 1000) return false;
  try {
    const said = obj(
      await read('accounts', 'may_act', {
        of_account: key.account,
        of_key: key.address,
        target: wanted.to,
        selector: wanted.selector,
        amount_fen: String(wanted.spends),
      }),
    );
    return bool(said['allowed']);
  } catch (cause) {
    // The ledger says no in its own words, or nothing can be asked now: then what was written down here counts.
    if (cause instanceof ReadError && num(cause.status) === 422) return false;
    const named = key.allowed.scope.some((s) => s.target === wanted.to.toLowerCase() && s.selector === wanted.selector);
    return named && wanted.spends <= BigInt(key.allowed.limit);
  }
}

function encoded(draft: Draft): Parameters<typeof encodeBatch>[0] {
  return {
    chainId: BigInt(draft.chainId),
    maxPriorityFeePerGas: 0n,
    maxFeePerGas: 0n,
    gasLimit: draft.gas,
    calls: draft.calls.map(({ to, data }) => ({ to: fromHex(to), value: 0n, input: fromHex(data) })),
    nonce: BigInt(draft.nonce),
    after: 0n,
    before: BigInt(draft.before ?? 0),
  };
}

function everydaySigner(key: EverydayKey): Signer {
  return {
    address: key.account as `0x${string}`,
    extraGas: KEYCHAIN_GAS,
    quiet: true,
    async sign(draft) {
      const batch = encoded(draft);
      return toHex(encodeBatch(batch, await everydaySignature(key, signingHash(batch)))) as `0x${string}`;
    },
  };
}

function passkeySigner(): Signer {
  const key = kept();
  if (!key) throw ownAccount() ? new Explained(people.t.needsMain.title, people.t.needsMain.text) : explained(new PasskeyTrouble('gone'));
  return {
    address: key.account as `0x${string}`,
    extraGas: key.account === key.address ? SIGNATURE_GAS : KEYCHAIN_GAS,
    quiet: false,
    async sign(draft) {
      const batch = encoded(draft);
      return toHex(encodeBatch(batch, await mainSignature(key, signingHash(batch)))) as `0x${string}`;
    },
  };
}

/** The main key's signature of a hash in the name of its account; asks for a finger. */
export async function mainSignature(key: Passkey & { account: string }, hash: Uint8Array): Promise<Uint8Array> {
  if (key.account === key.address) return spoken(() => sign(key, hash));
  return keychainSignature(key.account, await spoken(() => sign(key, keychainHash(hash, key.account))));
}

/** Makes this device's key and remembers it. One that is there already is taken. */
export async function passkeyOf(name: string): Promise<Passkey> {
  const have = kept();
  if (have) return have;
  const made = await spoken(() => register(name));
  keep(made);
  return made;
}

/** Makes a key and leaves it to the caller to keep it: one that shall sign for another account later. */
export const newPasskey = (name: string): Promise<Passkey> => spoken(() => register(name));

/** Takes up a key that the authenticator has and this app does not know. */
export async function takeUp(): Promise<Passkey> {
  const found = await spoken(find);
  keep(found);
  return found;
}

async function spoken<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw cause instanceof PasskeyTrouble ? explained(cause) : cause;
  }
}

function explained({ what }: PasskeyTrouble): Explained {
  const { title, text } = people.t.trouble[what];
  return new Explained(title, text, what === 'cancelled');
}
