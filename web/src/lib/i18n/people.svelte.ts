import { prefs } from '../prefs.svelte';
import { enPeople } from './en.people';
import { zhPeople, type PeopleDict } from './zh.people';

/** The words of keys, letters and devices; not in the first load. */
class People {
  get t(): PeopleDict {
    return prefs.lang === 'en' ? enPeople : zhPeople;
  }
}

export const people = new People();
