/** The pages of the dashboard: `npm run build` calls it; `npx vite` serves the pages from source, with the API of a server that runs. */

import { defineConfig } from 'vite';

/** Stands in the built page where each answer has a nonce of its own (src/api/pages/dashboard-pages.ts). */
const NONCE_PLACEHOLDER = '{{nonce}}';

export default defineConfig({
  root: 'src/dashboard',
  html: { cspNonce: NONCE_PLACEHOLDER },
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    // Fonts and images as files: the pages may load nothing but files of the server.
    assetsInlineLimit: 0,
    target: 'es2022',
    manifest: true,
    rollupOptions: {
      onwarn(warning, show) {
        // `use client` in every file of Mantine: a word for servers that render, of which there is none.
        if (warning.code !== 'MODULE_LEVEL_DIRECTIVE') show(warning);
      },
    },
  },
  server: { proxy: { '/api': 'http://127.0.0.1:8420', '/readyz': 'http://127.0.0.1:8420' } },
});
