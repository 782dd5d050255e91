/**
 * Who is acting: the person whose fingerprint this device knows, or someone of the demo, whose key is made from a public
 * name here in the browser.
 */
import { get, set } from './prefs.svelte';
import { i18n } from './i18n/index.svelte';

/** Name of the person of this device. */
export const SELF = 'self';

export interface Actor {
  name: string;
  address: string;
}

/** Offices of the demo estate, in the order in which they are offered. */
export const officeActors = [
  'chair',
  'treasurer',
  'manager',
  'registrar',
  'committee-1',
  'committee-2',
  'committee-3',
  'auditor',
  'street-office',
  'bank',
] as const;

class Acting {
  now = $state.raw<Actor>();

  start(): void {
    const saved = /^([\w-]+) (0x[0-9a-f]{40})$/.exec(get('actor') ?? '');
    if (saved?.[1] && saved[2]) this.now = { name: saved[1], address: saved[2] };
  }

  /** Becomes somebody of the demo, who reads in their own name from here on. */
  async become(name: string): Promise<void> {
    const [{ demoAddress }, { meets }] = await Promise.all([import('./demo'), import('./meeting')]);
    const address = demoAddress(name);
    this.now = { name, address };
    set('actor', `${name} ${address}`);
    await meets(address);
  }

  /** The account that this device's key signs for. */
  becomeSelf(address: string): void {
    this.now = { name: SELF, address };
    set('actor', `${SELF} ${address}`);
  }

  leave(): void {
    this.now = undefined;
    set('actor', '');
  }
}

export const acting = new Acting();

/** An owner or office as people call it. */
export function actorName(name: string): string {
  const known = i18n.t.actors[name];
  return typeof known === 'string' ? known : i18n.t.actors.owner(name);
}
