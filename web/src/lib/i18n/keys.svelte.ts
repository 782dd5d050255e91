import { prefs } from '../prefs.svelte';
import { enKeys } from './en.keys';
import { zhKeys, type KeysDict } from './zh.keys';

/** The words of everyday keys, further devices and guardians. */
class Keys {
  get t(): KeysDict {
    return prefs.lang === 'en' ? enKeys : zhKeys;
  }
}

export const keysWords = new Keys();
