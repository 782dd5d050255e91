/** One act in a screen: idle, busy, failed. Every success leaves a slip and, at once, a fresh read. */
import { acting } from './actor.svelte';
import type { How } from './chain';
import { failure, type Failure } from './failure';
import { people } from './i18n/people.svelte';
import { live } from './live.svelte';
import type { ModuleName } from './modules';
import { slips, type Slip } from './receipts.svelte';
import { href } from './router.svelte';
import { toast } from './toast.svelte';

export interface Plan {
  module: ModuleName;
  call: string;
  args: readonly unknown[];
  how?: How;
  /** A small act: without a network it is signed by the everyday key and sent later. */
  small?: boolean;
  slip: Omit<Slip, 'hash' | 'by' | 'at'>;
}

export class Act {
  busy = $state(false);
  failed = $state<Failure>();
  /** The last act was signed and waits on this device for a network. */
  waits = $state(false);

  /** Sends a planned call as whoever is acting; returns the receipt's hash, or nothing when it failed or waits. */
  async run(plan: Plan): Promise<string | undefined> {
    const who = acting.now;
    if (!who || this.busy) return undefined;
    this.busy = true;
    this.failed = undefined;
    this.waits = false;
    try {
      const { write } = await import('./chain');
      const how = plan.small ? { ...plan.how, waits: plan.slip } : plan.how;
      const { hash, waits } = await write(who.name, plan.module, plan.call, plan.args, how);
      this.waits = waits === true;
      if (waits) {
        toast.show(people.t.waiting.put, { href: href('receipts'), text: people.t.waiting.look });
        return undefined;
      }
      slips.add({ ...plan.slip, hash, by: who.name, at: Math.floor(Date.now() / 1000) });
      live.bump();
      return hash;
    } catch (cause) {
      this.failed = failure(cause);
      return undefined;
    } finally {
      this.busy = false;
    }
  }
}

/** Starts loading the write path early, when a finger is already on the button. */
export const warm = (): void => {
  void import('./chain');
};
