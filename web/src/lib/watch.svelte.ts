/** Looks at who keeps the book, every two seconds while the page is seen, and checks the newest pages on this device. */
import { untrack } from 'svelte';
import { list, num, obj, read, str, type Json } from './api';
import { keepers, lampOf, RECENT_PAGES, toConsortium, type Consortium, type Lamp, type Member } from './consortium';
import { pageView, timeOf, type PageView } from './pages';
import { get, set } from './prefs.svelte';

const EVERY_MS = 2_000;
const PATIENCE_MS = 5_000;
/** An answer older than this is told as old, and lamps stop vouching for now. */
export const OLD_MS = 8_000;
/** Pages in the list. */
const SHOWN = 5;
const KEPT = 64;

/** A member process of a demo consortium on this machine. */
export interface DemoMember {
  index: number;
  key: string;
  running: boolean;
}

export class Watch {
  now = $state.raw<Consortium>();
  pages = $state.raw<PageView[]>([]);
  /** Members that can be stopped and started from here; `undefined` outside of a demo on one machine. */
  demo = $state.raw<DemoMember[]>();
  /** When the shown answer came; 0 before the first. */
  at = $state(0);
  clock = $state(Date.now());
  failed = $state(false);
  /** The newest page that did not hold, if any of the newest did not. */
  readonly wrong = $derived(this.pages.find((p) => p.check === 'wrong' || p.check === 'foreign'));
  readonly fresh = $derived(this.at > 0 && this.clock - this.at < OLD_MS);
  private cache = new Map<number, PageView>();
  private times = $state.raw(new Map<number, number>());
  private signedAt = $state.raw(new Map<string, number>());
  private checkedAt = $state<number>();
  private over = false;
  private genesis = '';

  /** Begins to look; returns how to end it. */
  start(): () => void {
    const tick = setInterval(() => {
      this.clock = Date.now();
    }, 1_000);
    // What is looked at is no reason to begin anew: an effect that starts this would end it with the first answer.
    untrack(() => {
      void this.loop();
      void this.findDemo();
    });
    return () => {
      this.over = true;
      clearInterval(tick);
    };
  }

  lamp(member: Member): Lamp {
    return lampOf(member, this.now?.height ?? 0, {
      signedAt: this.signedAt.get(member.key),
      checkedAt: this.checkedAt,
      fresh: this.fresh,
    });
  }

  /** When a member last signed, in seconds; 0 while unknown. */
  lastSigned(member: Member): number {
    return member.lastSignedHeight === null ? 0 : (this.times.get(member.lastSignedHeight) ?? 0);
  }

  demoOf(member: Member): DemoMember | undefined {
    return this.demo?.find((d) => d.key === member.key);
  }

  /** Stops or starts a member process of the demo. Throws where the front door would not. */
  async turn(index: number, to: 'stop' | 'start'): Promise<void> {
    const answer = await fetch(`/consortium/members/${index}/${to}`, { method: 'POST', signal: AbortSignal.timeout(30_000) });
    if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
    await this.readDemo();
    await this.look();
  }

  private async loop(): Promise<void> {
    while (!this.over) {
      if (document.visibilityState === 'visible') {
        if (this.demo) await this.readDemo().catch(() => undefined);
        await this.look();
      }
      await new Promise((done) => setTimeout(done, EVERY_MS));
    }
  }

  private async look(): Promise<void> {
    try {
      const got = toConsortium(await read('node', 'consortium', {}, PATIENCE_MS));
      if (got.ledger.genesis !== this.genesis) this.forget(got.ledger.genesis);
      this.now = got;
      this.at = this.clock = Date.now();
      this.failed = false;
      remember(keepers(got).length);
      await this.readPages(got);
    } catch {
      this.failed = true;
    }
  }

  private forget(genesis: string): void {
    this.genesis = genesis;
    this.cache.clear();
    this.signedAt = new Map();
    this.checkedAt = undefined;
  }

  /** The newest pages, then older ones while a member that is said to agree has not been seen to sign. */
  private async readPages(c: Consortium): Promise<void> {
    const least = Math.max(1, c.height - RECENT_PAGES);
    const newest = Array.from({ length: SHOWN }, (_, i) => c.height - i).filter((h) => h >= least);
    await Promise.all(newest.map((h) => this.page(h)));
    this.show(newest);
    const unseen = (): boolean => keepers(c).some((m) => m.state === 'agrees' && (this.signedAt.get(m.key) ?? -1) < least);
    for (let h = c.height - SHOWN; h >= least && unseen() && !this.over; h -= 1) await this.page(h);
    await this.readTimes(c);
    for (const h of [...this.cache.keys()].sort((a, b) => a - b).slice(0, -KEPT)) this.cache.delete(h);
  }

  private show(heights: number[]): void {
    this.pages = heights.map((h) => this.cache.get(h)).filter((p) => p !== undefined);
  }

  private async page(height: number): Promise<void> {
    const have = this.cache.get(height);
    if (have && have.check === 'ok') return;
    const page = await pageView(height).catch(() => null);
    if (!page) return;
    this.cache.set(height, page);
    if (page.check !== 'ok') return;
    const seen = new Map(this.signedAt);
    page.keys.forEach((key, i) => {
      if (page.signed[i] && (seen.get(key) ?? -1) < height) seen.set(key, height);
    });
    this.signedAt = seen;
    this.checkedAt = Math.max(this.checkedAt ?? 0, height);
  }

  private async readTimes(c: Consortium): Promise<void> {
    const times = new Map(this.times);
    const wanted = new Set(c.members.map((m) => m.lastSignedHeight).filter((h) => h !== null));
    for (const h of [...times.keys()]) if (!wanted.has(h)) times.delete(h);
    await Promise.all(
      [...wanted].map(async (h) => {
        if (times.has(h)) return;
        const at = this.cache.get(h)?.timestamp ?? (await timeOf(h));
        if (at) times.set(h, at);
      }),
    );
    this.times = times;
  }

  private async findDemo(): Promise<void> {
    await this.readDemo().catch(() => undefined);
  }

  private async readDemo(): Promise<void> {
    const answer = await fetch('/consortium/members', {
      headers: { accept: 'application/json' },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    // A plain node answers every unknown path with the app itself.
    if (!answer.ok || !answer.headers.get('content-type')?.includes('json')) return;
    this.demo = list((await answer.json()) as Json).map((v) => {
      const o = obj(v);
      return { index: num(o['index']), key: str(o['key']).toLowerCase(), running: o['running'] === true };
    });
  }
}

/** How many offices keep the book, for the words of links; 0 until this device has looked once. */
export const officeCount = (): number => Number(get('offices') ?? '0');

function remember(n: number): void {
  if (n > 0 && n !== officeCount()) set('offices', String(n));
}
