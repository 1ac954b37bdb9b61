import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { servePages } from '../../../support/dashboard/served-pages.js';

/** What browsers send for an address that someone typed. */
const BROWSER = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

let folder: string;
let server: Awaited<ReturnType<typeof servePages>> | null = null;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-pages-'));
  await mkdir(join(folder, 'assets'));
  await writeFile(
    join(folder, 'index.html'),
    '<meta nonce="{{nonce}}"><script src="/assets/a-1.js" nonce="{{nonce}}">',
  );
  await writeFile(join(folder, 'assets', 'a-1.js'), 'export {};');
});
afterEach(async () => {
  await server?.close();
  await rm(folder, { recursive: true, force: true });
});

async function serve(token: string | null = null): Promise<string> {
  server = await servePages(token, folder);
  return server.origin;
}

function nonceInPolicy(response: Response): string {
  const policy = response.headers.get('Content-Security-Policy') ?? '';
  return /'nonce-([^']+)'/.exec(policy)?.[1] ?? '';
}

describe('the pages', () => {
  it.each(['/', '/jobs', '/sessions/nightly-20261124T220000Z', '/no/such/page'])(
    'answer a browser at %s with the one page of all, which is never kept',
    async (path) => {
      const response = await fetch(`${await serve()}${path}`, { headers: BROWSER });
      expect(response.status).toBe(200);
      expect(response.headers.get('Content-Type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('Cache-Control')).toBe('no-store');
    },
  );

  it('run under a policy that takes files of this server alone, and styles with the nonce of the answer', async () => {
    const response = await fetch(await serve(), { headers: BROWSER });
    const nonce = nonceInPolicy(response);
    expect(response.headers.get('Content-Security-Policy')).toBe(
      `default-src 'none';script-src 'self';style-src 'self' 'nonce-${nonce}';img-src 'self' data:;font-src 'self';connect-src 'self';base-uri 'none';form-action 'self';frame-ancestors 'none'`,
    );
    expect(response.headers.get('X-Content-Type-Options')).toBe('nosniff');
    expect(response.headers.get('Referrer-Policy')).toBe('no-referrer');
    expect(await response.text()).toBe(
      `<meta nonce="${nonce}"><script src="/assets/a-1.js" nonce="${nonce}">`,
    );
  });

  it('have another nonce in every answer', async () => {
    const url = await serve();
    const answers = await Promise.all(
      [1, 2, 3].map(async () => nonceInPolicy(await fetch(url, { headers: BROWSER }))),
    );
    expect(new Set(answers).size).toBe(3);
    for (const nonce of answers) expect(nonce).toMatch(/^[\w-]{22}$/);
  });

  it('let browsers keep the files whose names hold a digest', async () => {
    const response = await fetch(`${await serve()}/assets/a-1.js`);
    expect(response.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('Content-Type')).toBe('text/javascript; charset=utf-8');
  });

  it.each([
    ['a program at the address of a page', '/jobs', {}],
    ['a browser at a file that is not there', '/assets/b-2.js', BROWSER],
    ['a browser at an address of the API', '/api/v1/nothing', BROWSER],
  ])('leave %s to the API, which says that nothing is there', async (_case, path, headers) => {
    const response = await fetch(`${await serve()}${path}`, { headers });
    expect(response.status).toBe(404);
    expect(((await response.json()) as { code: string }).code).toBe('ROUTE_NOT_FOUND');
  });

  it('say how they are built where they are not, and the API works without them', async () => {
    await rm(join(folder, 'index.html'));
    const url = await serve();
    const response = await fetch(url, { headers: BROWSER });
    expect(response.status).toBe(503);
    expect(await response.text()).toContain('npm run build');
    expect((await fetch(`${url}/api/v1/openapi.json`)).status).toBe(200);
  });

  it('need no token, because they ask for it, and open nothing but themselves', async () => {
    const url = await serve('secret-token');
    const statusOf = async (path: string) =>
      (await fetch(`${url}${path}`, { headers: BROWSER })).status;
    expect(await statusOf('/jobs')).toBe(200);
    expect(await statusOf('/assets/a-1.js')).toBe(200);
    expect(await statusOf('/docs')).toBe(200);
    expect(await statusOf('/api/v1/jobs')).toBe(401);
    expect(await statusOf('/metrics')).toBe(401);
  });

  it('are refused without a token to whoever comes by a name that was pointed at loopback', async () => {
    const sent = request(await serve(), {
      headers: { ...BROWSER, Host: 'attacker.example' },
    }).end();
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(403);
  });
});

describe('the API pages', () => {
  it('have their style under the nonce of their answer, and a place for each error code', async () => {
    const response = await fetch(`${await serve()}/docs`);
    const text = await response.text();
    expect(text).toContain(`<style nonce="${nonceInPolicy(response)}">`);
    expect(text).not.toMatch(/<script|style="|onclick/);
    expect(text).toContain('<tr id="REPOSITORY_FULL">');
  });
});
