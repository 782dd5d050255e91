/** A person goes to an attestor and comes back. Loaded with the pages that need it. */
import { acting, SELF } from './actor.svelte';
import { newState, question, METHOD, type Asked, type Method, type Statement } from './attestation';
import type { Written } from './chain';
import type { Attestor } from './data/attestors';
import { holdersOf, unitByCode } from './data/registry';
import { failure, type Failure } from './failure';
import { people } from './i18n/people.svelte';
import { ways } from './i18n/ways.svelte';
import { enter, type Step } from './joining';
import { moduleAddress } from './modules';
import { get, prefs, set } from './prefs.svelte';
import { slips } from './receipts.svelte';
import { href } from './router.svelte';
import { rpc } from './rpc';

const KEPT = 'asked';

/** What this device asked last; `null` where it asked nothing, or it is answered. */
export function asked(): Asked | null {
  try {
    const value = JSON.parse(get(KEPT) ?? 'null') as Partial<Asked> | null;
    const fits = value && typeof value.state === 'string' && typeof value.home === 'string';
    return fits ? { state: value.state ?? '', home: value.home ?? '', attestor: Number(value.attestor), unit: Number(value.unit) } : null;
  } catch {
    return null;
  }
}
export const forget = (): void => set(KEPT, '');

/** Makes this device's key where there is none yet, and answers the address of the attestor's page with the question. */
export async function ask(to: Attestor, method: Method, home: string): Promise<string> {
  const { passkeyOf } = await import('./passkey/signer');
  const key = await passkeyOf(home);
  acting.becomeSelf(key.account ?? key.address);
  // Where only members read the register the attestor finds the home by its code.
  const unit = (await unitByCode(home).catch(() => null))?.id ?? 0;
  const owners = unit ? await holdersOf(unit).catch(() => []) : [];
  const meant: Asked = { state: newState(), attestor: to.id, home, unit };
  set(KEPT, JSON.stringify(meant));
  return question(to.page, {
    ...meant,
    ledger: BigInt(await rpc<string>('eth_chainId')),
    module: moduleAddress('accounts'),
    method,
    account: key.account ?? key.address,
    owner: owners.length === 1 ? (owners[0] ?? '') : '',
    lang: prefs.lang,
    back: location.origin + href('join'),
  });
}

/** Brings a statement to the book: this device's account acts for its owner from then on, and signs in. */
export async function attest(statement: Statement, signature: string, home: string, step: (due: Step) => void): Promise<Written> {
  step('signing');
  const { write } = await import('./chain');
  acting.becomeSelf(statement.account);
  const written = await write(SELF, 'accounts', 'redeemAttested', [statement, signature]);
  await enter(statement.account, step);
  slips.add({ hash: written.hash, kind: 'Attested', title: home, by: SELF, at: Math.floor(Date.now() / 1000) });
  forget();
  return written;
}

export const methodOf = (n: number): Method => (n === METHOD.face ? 'face' : 'card');

/** A failure with the words of this piece where the rules refused. */
export function worded(cause: unknown): Failure {
  return said(failure(cause));
}
export function said(told: Failure): Failure {
  const text = ways.t.refusals[told.code] ?? people.t.refusals[told.code];
  return text ? { ...told, text } : told;
}
