import { prefs } from '../prefs.svelte';
import { zh, type Dict } from './zh';

/** The words of the app. Chinese is in the first load; English comes when it is asked for. */
class I18n {
  private en = $state.raw<Dict>();

  get t(): Dict {
    return prefs.lang === 'en' && this.en ? this.en : zh;
  }

  /** Loads the words of the chosen language; resolves when they can be shown. */
  async ready(): Promise<void> {
    if (prefs.lang === 'en' && !this.en) this.en = (await import('./en')).en;
    document.documentElement.lang = prefs.lang === 'en' ? 'en' : 'zh-CN';
  }
}

export const i18n = new I18n();
