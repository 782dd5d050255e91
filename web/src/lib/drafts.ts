/** Words of which the ledger has only the mark, such as why somebody objected: kept on this device, and nowhere else. */
import { get, set } from './prefs.svelte';

export interface Draft {
  at: number;
  title: string;
  /** The very words whose mark was written, salt included. */
  words: string;
}

export const drafts = {
  all(): Draft[] {
    try {
      return JSON.parse(get('drafts') ?? '[]') as Draft[];
    } catch {
      return [];
    }
  },
  add(draft: Draft): void {
    set('drafts', JSON.stringify([draft, ...drafts.all()].slice(0, 50)));
  },
};
