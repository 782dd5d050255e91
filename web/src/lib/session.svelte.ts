/**
 * Signed in or not, at the server that served this page. The server keeps the session in cookies that no script can read;
 * this file asks for one, quietly where it can: by refreshing, by the everyday key, by a key of the demo. A finger is asked
 * for only from a tap (`byFinger`).
 */
import { acting } from './actor.svelte';
import { live } from './live.svelte';
import type { EverydayKey } from './passkey/everyday';

/** `open`: this server asks nobody who they are. */
type State = 'unknown' | 'open' | 'out' | 'in';

interface Told {
  account?: string;
  class: string;
  sessions?: number;
}

class Session {
  state = $state<State>('unknown');
  account = $state('');
  /** `scope` for a member of the estate. */
  class = $state('public');
  /** How many devices of the account are signed in here. */
  sessions = $state(0);
  private trying: Promise<boolean> | undefined;

  /** Asks the server who it takes this browser for. */
  async look(): Promise<State> {
    const answer = await fetch('/api/v1/session', { headers: { accept: 'application/json' } }).catch(() => null);
    if (!answer) return this.state;
    if (answer.status === 404) return (this.state = 'open');
    this.take(answer.ok ? ((await answer.json()) as Told) : { class: 'public' });
    return this.state;
  }

  /** Signs whoever is acting in without asking them; false where only a finger would do, or nobody is acting. */
  async quietly(): Promise<boolean> {
    const want = acting.now?.address.toLowerCase();
    if (!want) return false;
    this.trying ??= this.try(want).finally(() => {
      this.trying = undefined;
    });
    return this.trying;
  }

  /** Ends a session that is somebody else's: whoever acts from now on is not to read in their name. */
  async onlyFor(account: string): Promise<void> {
    if ((await this.look()) !== 'in' || this.account === account.toLowerCase()) return;
    await fetch('/api/v1/session', { method: 'DELETE' });
    this.take({ class: 'public' });
  }

  /** Signs in with the main key. Throws `Explained`, or a failure of the server. */
  async byFinger(): Promise<void> {
    const { byMainKey } = await import('./signin');
    this.take(await byMainKey());
  }

  /** Signs in with an everyday key that the account may have let in by now. */
  async byEveryday(key: EverydayKey): Promise<boolean> {
    const { byEverydayKey } = await import('./signin');
    const told = await byEverydayKey(key);
    if (told) this.take(told);
    return told !== null;
  }

  /** Signs out, and lets nobody act: the everyday key would sign in again at once. */
  async leave(everywhere: boolean): Promise<void> {
    await fetch(`/api/v1/session${everywhere ? '/all' : ''}`, { method: 'DELETE' });
    acting.leave();
    this.take({ class: 'public' });
  }

  /** One tab at a time: a refresh that is used twice ends the session. */
  private async try(want: string): Promise<boolean> {
    const once = async (): Promise<boolean> => {
      const account = await this.refresh();
      if (account === null || account === want) return true;
      const { byQuietKey } = await import('./signin');
      const told = await byQuietKey();
      if (told) this.take(told);
      return told !== null;
    };
    return 'locks' in navigator ? navigator.locks.request('tulou.session', once) : once();
  }

  /** The account that the server still knows this browser for, empty for none; `null` where it knows no sessions at all. */
  private async refresh(): Promise<string | null> {
    // No body: the server takes the token from the cookie.
    const answer = await fetch('/api/v1/session/refresh', { method: 'POST' }).catch(() => undefined);
    if (answer?.status === 404) {
      this.state = 'open';
      return null;
    }
    if (!answer?.ok) return '';
    this.take((await answer.json()) as Told);
    return this.account;
  }

  private take(told: Told): void {
    const before = this.account;
    this.state = told.account ? 'in' : 'out';
    this.account = told.account?.toLowerCase() ?? '';
    this.class = told.class;
    this.sessions = told.sessions ?? this.sessions;
    // Another reader sees other things.
    if (before !== this.account) live.bump();
  }
}

export const session = new Session();
