import './app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { acting } from '$lib/actor.svelte';
import { i18n } from '$lib/i18n/index.svelte';
import { live } from '$lib/live.svelte';
import { get, prefs } from '$lib/prefs.svelte';
import { slips } from '$lib/receipts.svelte';
import { router } from '$lib/router.svelte';

// A tab left open over a release asks for pieces that are gone: load the new release, once.
addEventListener('vite:preloadError', () => {
  if (sessionStorage.getItem('tulou.reloaded')) return;
  sessionStorage.setItem('tulou.reloaded', '1');
  location.reload();
});

prefs.start();
acting.start();
slips.start();
router.start();
live.start();
// Whoever comes back is signed in without being asked where the server wants that, and what waits for a network is sent.
if (acting.now) void import('$lib/meeting').then(({ meets }) => meets(acting.now?.address ?? ''));
if (/\{/.test(get('waiting') ?? '')) void import('$lib/waiting.svelte').then(({ shelf }) => shelf.start());
await i18n.ready();
mount(App, { target: document.getElementById('app') as HTMLElement });

// The app itself is kept on the phone once it stands; it must not hold up what the person came for.
if (import.meta.env.PROD && 'serviceWorker' in navigator)
  setTimeout(() => void navigator.serviceWorker.register('/sw.js').catch(() => undefined), 3_000);
