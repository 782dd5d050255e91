/** When this device last checked a receipt of the book itself, and how many offices had signed it. */
import { get, set } from './prefs.svelte';

interface Seen {
  offices: number;
  at: number;
}

class Health {
  checked = $state.raw<Seen>();

  constructor() {
    try {
      this.checked = (JSON.parse(get('health') ?? 'null') as Seen) ?? undefined;
    } catch {
      this.checked = undefined;
    }
  }

  saw(offices: number): void {
    this.checked = { offices, at: Math.floor(Date.now() / 1000) };
    set('health', JSON.stringify(this.checked));
  }

  /** Checks the newest page that holds a receipt, at most every ten minutes. */
  async look(): Promise<void> {
    if (this.checked && Date.now() / 1000 - this.checked.at < 600) return;
    const { latestCheck } = await import('./checking');
    const offices = await latestCheck().catch(() => 0);
    if (offices > 0) this.saw(offices);
  }
}

export const health = new Health();
