interface Toast {
  text: string;
  link?: { href: string; text: string };
}

class Toaster {
  now = $state<Toast>();
  private timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string, link?: Toast['link']): void {
    clearTimeout(this.timer);
    this.now = link ? { text, link } : { text };
    this.timer = setTimeout(() => {
      this.now = undefined;
    }, 4_000);
  }
}

export const toast = new Toaster();
