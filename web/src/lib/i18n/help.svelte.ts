import { prefs } from '../prefs.svelte';
import { enHelp } from './en.help';
import { zhHelp, type HelpDict } from './zh.help';

/** The words of helpers. */
class Help {
  get t(): HelpDict {
    return prefs.lang === 'en' ? enHelp : zhHelp;
  }
}

export const helpWords = new Help();
