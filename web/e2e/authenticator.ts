/** An authenticator in software, as Chromium's own tools give it, and letters that a registrar of the demo issues. */
import type { CDPSession, Page } from '@playwright/test';
import type { Hex } from 'viem';
import { demoAddress } from '../src/lib/demo';
import { letterKey, newSecret, printLetter } from '../src/lib/passkey/letter';
import { base } from './people';
import { act, view } from './wire';

/** The reader of a phone, with PRF; every person who is asked is recognised until `refuse`. */
export class Authenticator {
  private constructor(
    private readonly cdp: CDPSession,
    private id: string,
  ) {}

  static async of(page: Page): Promise<Authenticator> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable', { enableUI: false });
    return new Authenticator(cdp, await add(cdp));
  }

  /**
   * From now on the finger is not recognised, or is again. A reader that refused too often stays locked, as in life;
   * it is unlocked by a new one with the same keys.
   */
  async refuse(on: boolean): Promise<void> {
    if (on) {
      await this.cdp.send('WebAuthn.setUserVerified', { authenticatorId: this.id, isUserVerified: false });
      return;
    }
    const { credentials } = await this.cdp.send('WebAuthn.getCredentials', { authenticatorId: this.id });
    await this.cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: this.id });
    this.id = await add(this.cdp);
    for (const credential of credentials) await this.cdp.send('WebAuthn.addCredential', { authenticatorId: this.id, credential });
  }

  async keys(): Promise<number> {
    const { credentials } = await this.cdp.send('WebAuthn.getCredentials', { authenticatorId: this.id });
    return credentials.length;
  }

  /** Takes the keys off the device, as a person may in its settings. */
  async clear(): Promise<void> {
    await this.cdp.send('WebAuthn.clearCredentials', { authenticatorId: this.id });
  }
}

async function add(cdp: CDPSession): Promise<string> {
  const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      ctap2Version: 'ctap2_1',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
      hasPrf: true,
      defaultBackupEligibility: true,
      defaultBackupState: true,
    },
  });
  return authenticatorId;
}

interface Unit {
  id: string;
  entry: { code: string; counts_head: boolean };
}
export interface Waiting {
  unit: Unit;
  motion: string;
  owner: string;
  /** Who stands for it in the demo. */
  account: Hex;
}

const taken = new Set<string>();
/** Owners whom other tests act as. */
const SPOKEN_FOR = /^O0(0(12|16|54|55|56|6\d|7\d|80|91)|10[1-4])$/;

/** A home that an open vote waits for, another one each time. */
export const waitingHome = (): Promise<Waiting> => homeOf(true);

/** Any home of somebody with one, another one each time: those that a vote waits for are few, and left to who votes. */
export const anyHome = (): Promise<Waiting> => homeOf(false);

async function homeOf(waits: boolean): Promise<Waiting> {
  const { items } = await view<{ items: { id: string; state: number }[] }>('decisions/motions?state=0&limit=100');
  const motion = items.find((m) => m.state === 2)?.id;
  for (let i = 115; motion && i > 0; i -= 1) {
    const name = `O${String(i).padStart(4, '0')}`;
    const account = demoAddress(name);
    if (taken.has(name) || SPOKEN_FOR.test(name)) continue;
    const [votes, homes] = await Promise.all([
      view<{ choice: number }[]>(`decisions/votes_of?id=${motion}&account=${account}`).catch(() => []),
      view<Unit[]>(`registry/mine?account=${account}`).catch(() => []),
    ]);
    const unit = homes.find((u) => u.entry.counts_head);
    if (homes.length !== 1 || !unit || !votes.length || votes.some((v) => v.choice > 0) === waits) continue;
    taken.add(name);
    const [holding] = await view<{ owner: string }[]>(`registry/holdings_of?of_unit=${unit.id}`);
    return { unit, motion, owner: holding?.owner ?? '', account: account as Hex };
  }
  throw new Error(waits ? 'no vote waits for anybody' : 'nobody is left');
}

/** A letter to the owner of a home, as the registrar issues it; the path of its link, and its number. */
export async function letterTo({ unit, owner }: Waiting): Promise<{ path: string; id: bigint }> {
  const secret = newSecret();
  const key = letterKey(secret);
  const expiresAt = BigInt(Math.floor(Date.now() / 1000) + 20 * 86_400);
  await act('registrar', 'accounts', 'invite', [[{ unit: BigInt(unit.id), owner: owner as Hex, key, expiresAt }]]);
  const { id } = await view<{ id: string }>(`accounts/invitation_of?letter_key=${key}`);
  return { path: `/join#${printLetter({ unit: Number(unit.id), id: BigInt(id), secret, code: unit.entry.code })}`, id: BigInt(id) };
}

/** A new resident on a page: joined by letter, with a finger that is known. */
export async function joined(page: Page): Promise<{ finger: Authenticator; address: Hex; home: Waiting }> {
  const home = await anyHome();
  const { path } = await letterTo(home);
  const finger = await Authenticator.of(page);
  await page.goto(base() + path);
  await page.getByRole('button', { name: '用指纹签收' }).click();
  await page.getByRole('heading', { name: /^您是.*的业主$/ }).waitFor();
  const key = (await page.evaluate(() => localStorage.getItem('tulou.passkey'))) ?? '';
  return { finger, home, address: (JSON.parse(key) as { address: Hex }).address };
}
