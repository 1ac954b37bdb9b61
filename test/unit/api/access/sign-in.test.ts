import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createApi } from '../../../../src/api/create-api.js';
import { parseConfig } from '../../../../src/config/load-config.js';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  startIdentityProvider,
  TestBrowser,
  type TestIdentityProvider,
} from '../../../support/api/identity-provider.js';

const NO_RETRIES: [] = [];
const HOUR_MS = 3_600_000;
const PEOPLE = {
  'sub-anna': { preferred_username: 'anna', groups: ['staff', 'backup-operators'] },
  'sub-root': { preferred_username: 'root', groups: ['backup-operators', 'backup-admins'] },
  'sub-bert': { preferred_username: 'bert', groups: ['staff'] },
  'sub-nobody': {},
};

let nowMs = 0;
let api: { url: string; lines: object[] };
let provider: TestIdentityProvider;
let browser: TestBrowser;

let testsBegun = 0;
const TWO_MINUTES_MS = 120_000;

beforeAll(() => start());
beforeEach(() => {
  browser = new TestBrowser();
  // What failed in one test is not counted in the next.
  nowMs = Date.now() + ++testsBegun * TWO_MINUTES_MS;
  provider.signInAs('sub-anna');
  provider.tamper(null);
});
const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends) await end();
});

/** @param issuer that the configuration names, from that of the provider */
async function start(issuer = (url: string) => url): Promise<void> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  provider = await startIdentityProvider(PEOPLE, `${url}/sign-in/callback`);
  const config = parseConfig(
    `repositories: [{ id: offsite, path: /mnt, role: target }]
server:
  tokenFile: token
  signIn:
    issuer: ${issuer(provider.issuer)}
    clientId: ${CLIENT_ID}
    clientSecretFile: secret
    publicUrl: ${url}
    roles: { administrator: [backup-admins], operator: [backup-operators] }`,
    { name: 'test', folder: '/etc', environment: {} },
  );
  const lines: object[] = [];
  const log = (fields: object) => void lines.push(fields);
  const connection = Connection.lazy({ address: '127.0.0.1:1', interceptors: NO_RETRIES });
  const app = createApi({
    client: new Client({ connection }),
    config,
    token: 'emergency',
    signInSecrets: { clientSecret: CLIENT_SECRET, cookieKey: new Uint8Array(32).fill(7) },
    now: () => nowMs,
    logger: { info: log, warn: log, error: log },
  });
  server.on('request', app);
  api = { url, lines };
  const { close } = provider;
  ends.push(async () => {
    server.closeAllConnections();
    server.close();
    await close();
  });
}

const isBack = (url: URL): boolean => url.pathname === '/sign-in/callback';
const isPage = (url: URL): boolean =>
  url.origin === api.url && !isBack(url) && url.pathname !== '/sign-in';

async function signIn(to = '/'): Promise<URL> {
  const { url } = await browser.open(`${api.url}/sign-in?to=${encodeURIComponent(to)}`, isPage);
  return url;
}

async function me(): Promise<unknown> {
  return (await browser.fetch(`${api.url}/api/v1/me`)).json();
}

/** What stands on the page that the browser ends at. */
async function refusalAt(url: URL): Promise<string> {
  const { response } = await browser.open(url.href);
  return `${response?.status} ${/<code>(\w+)<\/code>/.exec(await response!.text())?.[1]}`;
}

const ANNA = { name: 'anna', role: 'operator', scope: null, subject: 'sub-anna' };

describe('signing in', () => {
  it('lets somebody in with his name and the role that his groups give, back at the page he came from', async () => {
    const page = await signIn('/jobs/nightly?a=b');
    expect(`${page.pathname}${page.search}`).toBe('/jobs/nightly?a=b');
    expect(await me()).toEqual({
      ...ANNA,
      refusals: expect.any(Array),
      expiresAt: new Date(Math.floor(nowMs / 1_000) * 1_000 + 8 * HOUR_MS).toISOString(),
    });
    const audits = api.lines.map((line) => (line as { audit?: unknown }).audit);
    expect(audits.at(-1)).toMatchObject({
      who: 'anna',
      subject: 'sub-anna',
      operation: 'signIn',
      outcome: 'done',
    });
  });

  it('takes the most powerful of several roles', async () => {
    provider.signInAs('sub-root');
    await signIn();
    expect(await me()).toMatchObject({ name: 'root', role: 'administrator' });
  });

  it.each([
    'https://attacker.example/',
    '//attacker.example',
    '/\\attacker.example',
    '/x/..//attacker.example',
    'javascript:alert(1)',
  ])('never leads on to %s', async (to) => {
    expect((await signIn(to)).href).toBe(`${api.url}/`);
  });

  it.each(['sub-bert', 'sub-nobody'])('keeps out %s, to whom nothing gives a role', async (who) => {
    provider.signInAs(who);
    const { url } = await browser.open(`${api.url}/sign-in`, isBack);
    expect(await refusalAt(url)).toBe('403 ROLE_MISSING');
    expect(await me()).toMatchObject({ code: 'UNAUTHORIZED', signIn: '/sign-in' });
  });

  it('seals what the browser keeps, from scripts and from other sites', async () => {
    const { url } = await browser.open(`${api.url}/sign-in`, isBack);
    const { setCookies } = await browser.open(url.href, isPage);
    expect(setCookies).toEqual([
      expect.stringMatching(
        /^longhaul-person=[\w-]+\.\.[\w.-]+; Path=\/; Max-Age=28800; HttpOnly; SameSite=Strict$/,
      ),
      'longhaul-sign-in=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax',
    ]);
    const kept = browser.jarOf(url.host).get('longhaul-person')!;
    const bytes = kept.split('.').map((part) => Buffer.from(part, 'base64url').toString('latin1'));
    expect(bytes.join()).not.toMatch(/anna|operator/);
  });

  it('works with the token of the configuration beside it, which counts before the cookie', async () => {
    await signIn();
    const headers = { Authorization: 'Bearer emergency' };
    const response = await browser.fetch(`${api.url}/api/v1/me`, { headers });
    expect(await response.json()).toMatchObject({ role: 'administrator', subject: null });
    const wrong = { Authorization: 'Bearer wrong' };
    expect((await browser.fetch(`${api.url}/api/v1/me`, { headers: wrong })).status).toBe(401);
  });
});

describe('what comes back from elsewhere', () => {
  const refusals: [string, () => Promise<URL>][] = [
    [
      'with the state of another sign-in',
      async () => {
        const { url } = await browser.open(`${api.url}/sign-in`, isBack);
        url.searchParams.set('state', 'another');
        return url;
      },
    ],
    [
      'with the answer of another provider',
      async () => {
        const { url } = await browser.open(`${api.url}/sign-in`, isBack);
        url.searchParams.set('iss', 'https://attacker.example');
        return url;
      },
    ],
    [
      'with an ID token for another nonce',
      async () => {
        const { url: out } = await browser.open(
          `${api.url}/sign-in`,
          ({ origin }) => origin !== api.url,
        );
        out.searchParams.set('nonce', 'of-somebody-else');
        return (await browser.open(out.href, isBack)).url;
      },
    ],
    [
      'with the code of somebody who began elsewhere',
      async () => {
        const { url: out } = await new TestBrowser().open(
          `${api.url}/sign-in`,
          ({ origin }) => origin !== api.url,
        );
        const { url } = await new TestBrowser().open(out.href, isBack);
        await browser.open(`${api.url}/sign-in`, isBack);
        return url;
      },
    ],
    [
      'with an ID token that was changed on the way',
      async () => {
        provider.tamper((idToken) => {
          const [head, , signature] = idToken.split('.');
          const claims = JSON.parse(
            Buffer.from(idToken.split('.')[1]!, 'base64url').toString(),
          ) as object;
          const forged = { ...claims, groups: ['backup-admins'] };
          return `${head}.${Buffer.from(JSON.stringify(forged)).toString('base64url')}.${signature}`;
        });
        return (await browser.open(`${api.url}/sign-in`, isBack)).url;
      },
    ],
    [
      'after the provider has refused',
      async () => {
        const { url } = await browser.open(`${api.url}/sign-in`, isBack);
        const state = url.searchParams.get('state')!;
        const query = new URLSearchParams({ error: 'access_denied', state, iss: provider.issuer });
        return new URL(`${url.origin}${url.pathname}?${query.toString()}`);
      },
    ],
    [
      'without its cookie',
      async () => {
        const { url } = await browser.open(`${api.url}/sign-in`, isBack);
        browser.jarOf(url.host).clear();
        return url;
      },
    ],
    [
      'later than ten minutes',
      async () => {
        const { url } = await browser.open(`${api.url}/sign-in`, isBack);
        nowMs += 10 * 60_000;
        return url;
      },
    ],
  ];
  it.each(refusals)('is refused %s', async (_title, begin) => {
    expect(await refusalAt(await begin())).toBe('403 SIGN_IN_FAILED');
    expect(await me()).toMatchObject({ code: 'UNAUTHORIZED' });
    expect(api.lines).toContainEqual({
      audit: expect.objectContaining({ operation: 'signIn', outcome: 'SIGN_IN_FAILED' }) as unknown,
    });
  });

  it('is refused a second time', async () => {
    const { url } = await browser.open(`${api.url}/sign-in`, isBack);
    const cookie = browser.jarOf(url.host).get('longhaul-sign-in')!;
    await browser.open(url.href, isPage);
    browser.jarOf(url.host).set('longhaul-sign-in', cookie);
    expect(await refusalAt(url)).toBe('403 SIGN_IN_FAILED');
  });
});

describe('an ID token that the provider signed', () => {
  it.each([
    ['when its time is over', () => ({ exp: Math.floor(Date.now() / 1_000) - 60 })],
    ['for another client', () => ({ aud: 'another' })],
    ['in the name of another issuer', () => ({ iss: 'https://attacker.example' })],
    ['without the nonce', () => ({ nonce: undefined })],
  ])('is refused %s', async (_title, claims) => {
    const { url } = await browser.open(`${api.url}/sign-in`, isBack);
    provider.tamper((idToken) => provider.sign(idToken, claims()));
    expect(await refusalAt(url)).toBe('403 SIGN_IN_FAILED');
  });

  it('counts with what it says itself, before what the user info says', async () => {
    provider.tamper((idToken) => provider.sign(idToken, { groups: 'backup-admins' }));
    await signIn();
    expect(await me()).toMatchObject({ name: 'anna', role: 'administrator' });
  });
});

describe('somebody who is signed in', () => {
  const path = '/api/v1/sign-out';
  const post = (headers: Record<string, string>) =>
    browser.fetch(`${api.url}${path}`, { method: 'POST', headers });

  it('changes nothing that a page of another site sends, or that does not say where it comes from', async () => {
    await signIn();
    const sent: Record<string, string>[] = [
      {},
      { Origin: 'https://attacker.example' },
      { Origin: 'null' },
      { 'Sec-Fetch-Site': 'cross-site', Origin: api.url },
      { 'Sec-Fetch-Site': 'same-site' },
      { 'Sec-Fetch-Site': 'none' },
    ];
    for (const headers of sent)
      expect([headers, (await post(headers)).status]).toEqual([headers, 403]);
    expect((await post({ 'Sec-Fetch-Site': 'same-origin' })).status).toBe(204);
    await signIn();
    expect((await post({ Origin: api.url })).status).toBe(204);
  });

  it('is out when he signs out, even with a copy of his cookie', async () => {
    await signIn();
    const jar = browser.jarOf(new URL(api.url).host);
    const copy = jar.get('longhaul-person')!;
    await post({ Origin: api.url });
    expect(jar.has('longhaul-person')).toBe(false);
    jar.set('longhaul-person', copy);
    expect(await me()).toMatchObject({ code: 'UNAUTHORIZED' });
    await signIn();
    expect(await me()).toMatchObject(ANNA);
  });

  it('is out after eight hours', async () => {
    await signIn();
    nowMs += 8 * HOUR_MS - 2_000;
    expect(await me()).toMatchObject(ANNA);
    nowMs += 2_000;
    expect(await me()).toMatchObject({ code: 'UNAUTHORIZED' });
  });

  it('is not let in with a cookie that was changed, or is of another kind', async () => {
    await browser.open(`${api.url}/sign-in`, isBack);
    const jar = browser.jarOf(new URL(api.url).host);
    jar.set('longhaul-person', jar.get('longhaul-sign-in')!);
    expect(await me()).toMatchObject({ code: 'UNAUTHORIZED' });
    await signIn();
    const sealed = jar.get('longhaul-person')!;
    jar.set('longhaul-person', `${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BB' : 'AA'}`);
    expect(await me()).toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

describe('an identity provider', () => {
  it('that is another one than the configuration names is not believed', async () => {
    await start((url) => url.replace('127.0.0.1', 'localhost'));
    expect(await refusalAt(new URL(`${api.url}/sign-in`))).toBe('403 SIGN_IN_FAILED');
  });

  it('that does not answer is said to be away, and the token still holds', async () => {
    await start(() => 'http://127.0.0.1:1');
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await refusalAt(new URL(`${api.url}/sign-in`))).toBe('503 SIGN_IN_UNAVAILABLE');
    const headers = { Authorization: 'Bearer emergency' };
    expect((await browser.fetch(`${api.url}/api/v1/me`, { headers })).status).toBe(200);
  });
});

describe('many failed sign-ins', () => {
  it('are answered with a limit for a minute', async () => {
    const callback = `${api.url}/sign-in/callback?code=x&state=y`;
    for (let n = 0; n < 20; n++) expect((await browser.fetch(callback)).status).toBe(403);
    expect((await browser.fetch(callback)).status).toBe(429);
    nowMs += 60_000;
    expect((await browser.fetch(callback)).status).toBe(403);
  });
});
