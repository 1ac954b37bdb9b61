import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { decodeJwt, exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider, { type Context } from 'oidc-provider';

export const CLIENT_ID = 'longhaul';
export const CLIENT_SECRET = 'client-s3cret';

/** People that it knows, by subject, with what it says of them. */
type People = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

export interface TestIdentityProvider {
  readonly issuer: string;
  /** Who sits before a browser that has no cookie of the provider yet. */
  signInAs(subject: string): void;
  /** Changes the ID tokens that it hands out; null: no longer. */
  tamper(change: ((idToken: string) => string | Promise<string>) | null): void;
  /** The token with other claims, signed by the provider itself. */
  sign(idToken: string, claims: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

/** The certified provider of the same author as the client library, in this process; it lets everybody in without a question.
 *  @param redirectUri that is registered with it */
export async function startIdentityProvider(
  people: People,
  redirectUri: string,
): Promise<TestIdentityProvider> {
  let subject = Object.keys(people)[0]!;
  let change: ((idToken: string) => string | Promise<string>) | null = null;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [redirectUri],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', 'groups', 'realm'] },
    jwks: { keys: [await exportJWK(privateKey)] },
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['a key of the test'] },
    interactions: { url: () => '/who' },
    findAccount: (_context: Context, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, ...people[sub] }),
    }),
    loadExistingGrant: async ({ oidc }: Context) => {
      const grant = new provider.Grant({
        clientId: oidc.client.clientId,
        accountId: oidc.account.accountId,
      });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (context, next) => {
    await next();
    const body = context.body as { id_token?: string };
    if (context.path === '/token' && change !== null && body.id_token !== undefined)
      context.body = { ...body, id_token: await change(body.id_token) };
  });
  const answer = provider.callback();
  server.on('request', (request, response) => {
    if (request.url === '/who')
      void provider.interactionFinished(request, response, { login: { accountId: subject } });
    else answer(request, response);
  });
  return {
    issuer,
    signInAs: (next) => (subject = next),
    tamper: (next) => (change = next),
    sign: (idToken, claims) =>
      new SignJWT({ ...decodeJwt(idToken), ...claims })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(privateKey),
    close: () => close(server),
  };
}

async function close(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

/** Follows redirects as a browser does, with the cookies of each origin. */
export class TestBrowser {
  readonly #cookies = new Map<string, Map<string, string>>();

  /** @param until stops before the first address that it is true of, which is then `url` */
  async open(
    start: string,
    until: (url: URL) => boolean = () => false,
  ): Promise<{ url: URL; response: Response | null; setCookies: readonly string[] }> {
    let url = new URL(start);
    let setCookies: string[] = [];
    while (!until(url)) {
      const response = await this.fetch(url.href);
      setCookies = response.headers.getSetCookie();
      const location = response.headers.get('Location');
      if (location === null) return { url, response, setCookies };
      await response.arrayBuffer();
      url = new URL(location, url);
    }
    return { url, response: null, setCookies };
  }

  async fetch(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = this.jarOf(new URL(url).host);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, {
      ...init,
      redirect: 'manual',
      headers: { ...(init.headers as Record<string, string>), Cookie: cookie },
    });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!;
      if (value === '' || /max-age=0/i.test(line)) jar.delete(name!);
      else jar.set(name!, value!);
    }
    return response;
  }

  /** Cookies by name. @param host with its port */
  jarOf(host: string): Map<string, string> {
    const jar = this.#cookies.get(host) ?? new Map<string, string>();
    this.#cookies.set(host, jar);
    return jar;
  }
}
