import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** One file with all it needs, for any page and for Node 20. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  build: {
    target: 'es2022',
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: 'verifier' },
    rolldownOptions: { output: { codeSplitting: false } },
  },
});
