import { prefs } from '../prefs.svelte';
import { enMine } from './en.mine';
import { zhMine, type MineDict } from './zh.mine';

/** The words of small acts and of what is kept about a person. */
class Mine {
  get t(): MineDict {
    return prefs.lang === 'en' ? enMine : zhMine;
  }
}

export const mineWords = new Mine();
