import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Where `vite dev` finds a running node; the built app always talks to the server that served it. */
const node = process.env.TULOU_URL ?? 'http://localhost:8545';

export default defineConfig({
  plugins: [tailwindcss(), svelte()],
  resolve: {
    alias: {
      $lib: fileURLToPath(new URL('./src/lib', import.meta.url)),
      $kit: fileURLToPath(new URL('./src/kit', import.meta.url)),
      $verifier: fileURLToPath(new URL('./verifier/src', import.meta.url)),
    },
  },
  build: { target: 'es2022', assetsInlineLimit: 0, cssCodeSplit: false, modulePreload: { polyfill: false } },
  server: { proxy: { '/api': node, '/rpc': node } },
  test: { include: ['src/**/*.test.ts', 'verifier/**/*.test.ts'], environment: 'node' },
});
