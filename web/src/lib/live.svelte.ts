/** Says when the book has grown, so that open screens read again: by subscription, and by a slow timer where that fails. */

const SLOW_MS = 4_000;
/** Screens read again at most this often, however fast pages come. */
const LEAST_MS = 1_500;

class Live {
  /** Grows by one whenever screens should read again. */
  tick = $state(0);
  online = $state(true);
  private last = 0;
  private waiting = false;

  start(): void {
    // The app may have been opened without a network.
    this.online = navigator.onLine;
    this.connect(1_000);
    setInterval(() => {
      if (document.visibilityState === 'visible' && Date.now() - this.last > SLOW_MS) this.bump();
    }, SLOW_MS);
    addEventListener('online', () => {
      this.online = true;
      this.bump();
    });
    addEventListener('offline', () => {
      this.online = false;
    });
  }

  /** Call after an own act: screens read at once. */
  bump(): void {
    this.last = Date.now();
    this.tick += 1;
  }

  private connect(wait: number): void {
    const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/`);
    socket.onopen = () => {
      wait = 1_000;
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_subscribe', params: ['newHeads'] }));
    };
    socket.onmessage = (event) => {
      if (String(event.data).includes('eth_subscription')) this.head();
    };
    socket.onclose = () => setTimeout(() => this.connect(Math.min(wait * 2, 30_000)), wait);
  }

  private head(): void {
    if (this.waiting) return;
    const since = Date.now() - this.last;
    if (since >= LEAST_MS) {
      this.bump();
      return;
    }
    this.waiting = true;
    setTimeout(() => {
      this.waiting = false;
      this.bump();
    }, LEAST_MS - since);
  }
}

export const live = new Live();
