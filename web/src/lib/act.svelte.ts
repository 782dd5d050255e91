/** One act in a screen: idle, busy, failed. Every success leaves a slip and, at once, a fresh read. */
import { acting } from './actor.svelte';
import { failure, type Failure } from './failure';
import { live } from './live.svelte';
import type { ModuleName } from './modules';
import { slips, type Slip } from './receipts.svelte';

export interface Plan {
  module: ModuleName;
  call: string;
  args: readonly unknown[];
  slip: Omit<Slip, 'hash' | 'by' | 'at'>;
}

export class Act {
  busy = $state(false);
  failed = $state<Failure>();

  /** Sends a planned call as whoever is acting; returns the receipt's hash, or nothing when it failed. */
  async run(plan: Plan): Promise<string | undefined> {
    const who = acting.now;
    if (!who || this.busy) return undefined;
    this.busy = true;
    this.failed = undefined;
    try {
      const { write } = await import('./chain');
      const { hash } = await write(who.name, plan.module, plan.call, plan.args);
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
