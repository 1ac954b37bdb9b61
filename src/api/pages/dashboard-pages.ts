/** The built dashboard: one page for all its addresses, and the files that it loads. They hold nothing of the site, so they need no token. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import express, { type Router } from 'express';
import { nonceOf } from './page-headers.js';

/** Written by the build wherever the page needs a nonce (vite.config.js). */
const NONCE_PLACEHOLDER = '{{nonce}}';

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Longhaul</title></head>
<body><h1>Longhaul</h1>
<p>The server runs, but its pages have not been built in this copy of the source: <code>npm run build</code> builds them.</p>
<p>The HTTP API and the command line work without them: <a href="/docs">API pages</a>.</p></body></html>
`;

/** @param folder what the build wrote; it may come and go while the server runs */
export function dashboardPages(folder: string): Router {
  const router = express.Router();
  // Their names hold a digest of their content, so they never change.
  router.use(
    '/assets',
    express.static(join(folder, 'assets'), { index: false, immutable: true, maxAge: '365d' }),
  );
  router.get('/{*path}', async (request, response, next) => {
    if (!asksForPage(request.path, request.get('Accept'))) return next();
    const page = await readFile(join(folder, 'index.html'), 'utf8').catch(() => null);
    response.set('Cache-Control', 'no-store').type('html');
    if (page === null) response.status(503).send(NOT_BUILT);
    else response.send(page.replaceAll(NONCE_PLACEHOLDER, nonceOf(response)));
  });
  return router;
}

/** Programs say which type they want, or that they take any; only browsers name HTML. */
function asksForPage(path: string, accept = ''): boolean {
  const isPage = path === '/' || !/^\/(api|assets|docs|metrics|healthz|readyz)(\/|$)/.test(path);
  return isPage && accept.includes('text/html');
}
