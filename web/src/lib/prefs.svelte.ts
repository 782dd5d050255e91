import type { Lang } from './format';

/** What this device remembers: language, type size, who is acting. Nothing secret. */
class Prefs {
  lang = $state<Lang>('zh');
  elder = $state(false);

  start(): void {
    const asked = new URLSearchParams(location.search);
    this.lang = (asked.get('lang') ?? get('lang')) === 'en' ? 'en' : 'zh';
    this.elder = (asked.get('elder') ?? get('elder')) === '1';
  }

  setLang(lang: Lang): void {
    this.lang = lang;
    set('lang', lang);
  }
  setElder(on: boolean): void {
    this.elder = on;
    set('elder', on ? '1' : '0');
  }
}

/** Storage may be switched off; the app then forgets, and works. */
export function get(key: string): string | null {
  try {
    return localStorage.getItem(`tulou.${key}`);
  } catch {
    return null;
  }
}
export function set(key: string, value: string): void {
  try {
    localStorage.setItem(`tulou.${key}`, value);
  } catch {
    /* forgetting is fine */
  }
}

export const prefs = new Prefs();
