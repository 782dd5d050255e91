import { prefs } from '../prefs.svelte';
import { enSheets } from './en.sheets';
import { zhSheets, type SheetsDict } from './zh.sheets';

/** The words of what is printed for the lobby. */
class Sheets {
  get t(): SheetsDict {
    return prefs.lang === 'en' ? enSheets : zhSheets;
  }
}

export const sheets = new Sheets();
