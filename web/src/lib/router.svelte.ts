/** Hand-written routing over the history API: a typed table, one reactive match, links that stay ordinary links. */

export const routes = {
  home: '/',
  votes: '/votes',
  motion: '/votes/:id',
  ballot: '/votes/:id/ballot',
  result: '/votes/:id/result',
  money: '/money',
  spend: '/money/requests/:id',
  receipts: '/receipts',
  receipt: '/r/:hash',
  notice: '/votes/:id/notice',
  rules: '/rules',
  books: '/books',
  keySheet: '/key-sheet',
  keyCheck: '/key-sheet/check',
  me: '/me',
  join: '/join',
  devices: '/devices',
  deviceNew: '/devices/new',
  deviceAdd: '/devices/add',
  guardians: '/devices/guardians',
  lost: '/lost',
  recover: '/recover',
  vouch: '/vouch',
  help: '/help/:account',
  prepared: '/prepared',
  roll: '/roll',
  pay: '/pay',
  myData: '/my-data',
  letter: '/letter',
  console: '/console',
  consoleRoll: '/console/roll',
  consoleAccounts: '/console/accounts',
  consoleVotes: '/console/votes',
  consoleVote: '/console/votes/:id',
  consoleWizard: '/console/new-motion',
  consolePay: '/console/payments',
  consoleBooks: '/console/books',
} as const;

export type RouteName = keyof typeof routes;
export interface Match {
  name: RouteName | 'missing';
  params: Record<string, string>;
  query: URLSearchParams;
}

const table = (Object.entries(routes) as [RouteName, string][])
  // A literal segment beats a parameter, so longer literals are tried first.
  .sort((a, b) => a[1].split(':').length - b[1].split(':').length)
  .map(([name, pattern]) => ({ name, parts: pattern.split('/').filter(Boolean) }));

/** Finds the route of a path. Unknown paths give `missing`. */
export function match(path: string, search = ''): Match {
  const parts = path.split('/').filter(Boolean);
  const query = new URLSearchParams(search);
  for (const row of table) {
    if (row.parts.length !== parts.length) continue;
    const params: Record<string, string> = {};
    const fits = row.parts.every((part, i) => {
      const have = parts[i] ?? '';
      if (!part.startsWith(':')) return part === have;
      params[part.slice(1)] = decodeURIComponent(have);
      return true;
    });
    if (fits) return { name: row.name, params, query };
  }
  return { name: 'missing', params: {}, query };
}

/** Writes the path of a route. */
export function href(name: RouteName, params: Record<string, string | number> = {}): string {
  return routes[name].replace(/:(\w+)/g, (_, key: string) => encodeURIComponent(String(params[key] ?? '')));
}

class Router {
  now = $state<Match>(match('/'));
  private depth = 0;

  start(): void {
    this.read();
    addEventListener('popstate', () => {
      this.depth = Math.max(0, this.depth - 1);
      this.read();
    });
    document.addEventListener('click', (event) => this.click(event));
  }

  go(path: string, replace = false): void {
    if (replace) history.replaceState(null, '', path);
    else {
      history.pushState(null, '', path);
      this.depth += 1;
    }
    this.read();
    scrollTo(0, 0);
  }

  /** Back inside the app; from a page opened by a link from outside, to the page above it. */
  back(fallback: string): void {
    if (this.depth > 0) history.back();
    else this.go(fallback, true);
  }

  private read(): void {
    this.now = match(location.pathname, location.search);
  }

  private click(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.target as Element | null)?.closest('a[href]');
    if (!(link instanceof HTMLAnchorElement) || link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
    event.preventDefault();
    this.go(link.pathname + link.search + link.hash);
  }
}

export const router = new Router();
