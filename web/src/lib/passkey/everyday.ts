/**
 * The key for everyday acts of this device: made by the browser, never to be taken out of it, kept beside the page's data.
 * It needs no finger, so it may do small things only; the ledger holds the list, the limit and the last day.
 */
import { fromBase64url, toBase64url } from '$verifier/bytes';
import { keychainHash, keychainSignature } from './keychain';
import { accountOf, pointOf, webcryptoSignature } from './p256';

/** What the account allowed the key, as this device wrote it down; the ledger's word counts. */
export interface Allowed {
  expiresAt: number;
  /** Fen. */
  limit: string;
  periodSeconds: number;
  scope: { target: string; selector: string }[];
}
export interface EverydayKey {
  /** For whom it signs. */
  account: string;
  /** Its own address. */
  address: string;
  /** `x` and `y`, base64url. */
  point: string;
  key: CryptoKey;
  /** Nothing until the account has let it in. */
  allowed: Allowed | null;
}

const STORE = 'keys';

/** The key of this device for an account, `null` where there is none or the browser keeps nothing. */
export async function everydayKeyOf(account: string): Promise<EverydayKey | null> {
  try {
    return ((await run('readonly', (s) => s.get(account.toLowerCase()))) as EverydayKey | undefined) ?? null;
  } catch {
    return null;
  }
}

/** Makes a key for an account in place of the one that was there. */
export async function makeEverydayKey(account: string): Promise<EverydayKey> {
  const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
  const point = pointOf(new Uint8Array(await crypto.subtle.exportKey('spki', pair.publicKey)));
  const made = {
    account: account.toLowerCase(),
    address: accountOf(point),
    point: toBase64url(point),
    key: pair.privateKey,
    allowed: null,
  };
  await keepEverydayKey(made);
  return made;
}

export async function keepEverydayKey(key: EverydayKey): Promise<void> {
  await run('readwrite', (s) => s.put(key, key.account));
}

export async function dropEverydayKey(account: string): Promise<void> {
  await run('readwrite', (s) => s.delete(account.toLowerCase()));
}

/** The signature of a hash in the name of the account. */
export async function everydaySignature(key: EverydayKey, hash: Uint8Array): Promise<Uint8Array> {
  const bytes = Uint8Array.from(keychainHash(hash, key.account));
  const raw = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.key, bytes);
  return keychainSignature(key.account, webcryptoSignature(new Uint8Array(raw), fromBase64url(key.point)));
}

function run(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest): Promise<unknown> {
  return new Promise((done, fail) => {
    const opening = indexedDB.open('tulou', 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
    opening.onerror = () => fail(opening.error ?? new Error('no room for keys'));
    opening.onsuccess = () => {
      const db = opening.result;
      const change = db.transaction(STORE, mode);
      const asked = ask(change.objectStore(STORE));
      change.oncomplete = () => {
        db.close();
        done(asked.result);
      };
      change.onabort = change.onerror = () => {
        db.close();
        fail(change.error ?? new Error('no room for keys'));
      };
    };
  });
}
