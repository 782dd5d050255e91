/** Receipts of this device. */
import { get, set } from './prefs.svelte';

/** An act of this device. `kind` is the event that it should have left in the book. */
export interface Slip {
  hash: string;
  kind: string;
  title: string;
  by: string;
  at: number;
  motion?: number;
  choice?: number;
}

class Slips {
  all = $state.raw<Slip[]>([]);

  start(): void {
    try {
      this.all = JSON.parse(get('slips') ?? '[]') as Slip[];
    } catch {
      this.all = [];
    }
  }
  add(slip: Slip): void {
    this.all = [slip, ...this.all.filter((s) => s.hash !== slip.hash)].slice(0, 200);
    set('slips', JSON.stringify(this.all));
  }
  clear(): void {
    this.all = [];
    set('slips', '[]');
  }
  find(hash: string): Slip | undefined {
    return this.all.find((s) => s.hash === hash.toLowerCase());
  }
}
export const slips = new Slips();
