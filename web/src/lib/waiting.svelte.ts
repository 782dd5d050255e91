/**
 * Small acts that were signed without a network and wait on this device. They are signed already, until a day: whoever has
 * the phone could send them and change nothing. What is sent later, and what became of it, is in `waiting.ts`.
 */
import { get, set } from './prefs.svelte';
import type { Slip } from './receipts.svelte';

export interface Waiting {
  /** Hash of what was signed; another one once it had to be signed again. */
  hash: string;
  account: string;
  /** The bytes to send. */
  raw: string;
  nonce: number;
  /** What is called, to sign it again where its place was taken. */
  to: string;
  data: string;
  spends: string;
  /** First second in which it no longer counts. */
  before: number;
  at: number;
  /** `open`: not sent. `sent`: the ledger has not answered. The others are over, and stay until they are put away. */
  state: 'open' | 'sent' | 'expired' | 'refused';
  why?: string;
  slip: Omit<Slip, 'hash' | 'by' | 'at'>;
}

/** What this device must know to sign without asking anybody. */
interface Memory {
  account: string;
  chainId: number;
  /** The account's next number. */
  next: number;
}

class Shelf {
  all = $state.raw<Waiting[]>(stored());
  private busy = false;
  private started = false;

  /** Sends now and whenever there is a network again. */
  start(): void {
    if (this.started) return;
    this.started = true;
    void this.send();
    addEventListener('online', () => void this.send());
    setInterval(() => void this.send(), 15_000);
  }

  get open(): number {
    return this.all.filter((w) => w.state === 'open' || w.state === 'sent').length;
  }

  put(entry: Waiting): void {
    this.keep([...this.all, entry]);
    this.start();
  }
  /** Changes one, or takes it away. */
  change(hash: string, to: Waiting | null): void {
    this.keep(this.all.flatMap((w) => (w.hash !== hash ? [w] : to ? [to] : [])));
  }
  clear(): void {
    this.keep([]);
  }

  /** Sends what waits, one after another; loads nothing where nothing does. */
  async send(): Promise<void> {
    if (this.busy || !navigator.onLine || !this.open) return;
    this.busy = true;
    try {
      await (await import('./waiting')).sendAll();
    } catch {
      // No network after all, or not yet: a phone says it is back a moment before it is.
      setTimeout(() => void this.send(), 2_000);
    } finally {
      this.busy = false;
    }
  }

  private keep(all: Waiting[]): void {
    this.all = all;
    set('waiting', JSON.stringify(all));
  }
}

function stored(): Waiting[] {
  try {
    return JSON.parse(get('waiting') ?? '[]') as Waiting[];
  } catch {
    return [];
  }
}

export const shelf = new Shelf();

export function remember(memory: Memory): void {
  set('memory', JSON.stringify(memory));
}
export function memory(): Memory | null {
  try {
    return JSON.parse(get('memory') ?? 'null') as Memory | null;
  } catch {
    return null;
  }
}
