import { prefs } from '../prefs.svelte';
import { enWays } from './en.ways';
import { zhWays, type WaysDict } from './zh.ways';

/** The words of the ways in, and of the bodies that check who somebody is. */
class Ways {
  get t(): WaysDict {
    return prefs.lang === 'en' ? enWays : zhWays;
  }
}

export const ways = new Ways();
