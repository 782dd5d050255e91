// Keeps the app itself on the phone, so that it opens without a network. Only files of the build, and only those whose bytes are
// the ones that the build made; nothing that the server answers about the book or a person ever comes here.
// `scripts/worker.mjs` fills in the two constants.

const RELEASE = '__RELEASE__';
/** Path and SHA-256 of every file of this release. */
const FILES = __FILES__;

const CACHE = `tulou-${RELEASE}`;
const INDEX = '/index.html';
/** A page is asked of the network first, so that a new release, or a changed one, is seen; but nobody waits for ever. */
const PATIENCE_MS = 4_000;
const known = new Set(FILES.map(([path]) => path));

async function hex(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return [...hash].map((b) => b.toString(16).padStart(2, '0')).join('');
}

async function take(cache, [path, wanted]) {
  if (await cache.match(path)) return;
  const answer = await fetch(path === INDEX ? '/' : path, { cache: path.startsWith('/assets/') ? 'default' : 'no-cache' });
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  if ((await hex(await answer.clone().arrayBuffer())) !== wanted) throw new Error(`${path} is not of this release`);
  await cache.put(path, answer);
}

async function install() {
  const cache = await caches.open(CACHE);
  for (const file of FILES) await take(cache, file);
  await self.skipWaiting();
}

async function activate() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith('tulou-') && name !== CACHE).map((name) => caches.delete(name)));
  await self.clients.claim();
}

async function page(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch (cause) {
    const kept = await caches.match(INDEX, { cacheName: CACHE });
    if (kept) return kept;
    throw cause;
  }
}

async function file(request, path) {
  return (await caches.match(path, { cacheName: CACHE })) ?? fetch(request);
}

self.addEventListener('install', (event) => event.waitUntil(install()));
self.addEventListener('activate', (event) => event.waitUntil(activate()));
self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  // Names of files hold their hash; what has none is asked of the network like a page.
  if (url.pathname.startsWith('/assets/') && known.has(url.pathname)) event.respondWith(file(request, url.pathname));
  else if (request.mode === 'navigate' && !url.pathname.startsWith('/api/')) event.respondWith(page(request));
});
