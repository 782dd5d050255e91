import { prefs } from './prefs.svelte';

/** Reads a text aloud with the device's own voice; a second press stops it. */
class Speech {
  on = $state(false);

  toggle(text: string): void {
    if (!('speechSynthesis' in globalThis)) return;
    if (this.on) {
      speechSynthesis.cancel();
      this.on = false;
      return;
    }
    const say = new SpeechSynthesisUtterance(text);
    say.lang = prefs.lang === 'en' ? 'en-GB' : 'zh-CN';
    say.rate = 0.9;
    say.onend = say.onerror = () => {
      this.on = false;
    };
    this.on = true;
    speechSynthesis.speak(say);
  }
}

export const speech = new Speech();
