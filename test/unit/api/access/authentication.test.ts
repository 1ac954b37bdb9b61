import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { AddressInfo } from 'node:net';
import express, { type RequestHandler } from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import {
  requireLoopback,
  requireOwnOrigin,
  requireCaller,
} from '../../../../src/api/access/authentication.js';
import { FailedAttempts } from '../../../../src/api/access/failed-attempts.js';
import { problemHandler } from '../../../../src/api/problem.js';

const log = () => undefined;
let server: Server | null = null;
afterEach(() => server?.close());

interface ListenOptions {
  readonly address?: string;
  /** Takes what would be logged as a bug. */
  readonly bugs?: object[];
  readonly route?: () => string;
}

/** A server behind `guard` whose only route answers `inside`, or throws. */
async function listen(
  guard: RequestHandler,
  { address = '127.0.0.1', bugs = [], route = () => 'inside' }: ListenOptions = {},
): Promise<number> {
  const app = express();
  app.use(guard);
  app.get('/', (_request, response) => {
    response.send(route());
  });
  app.use(problemHandler({ info: log, warn: log, error: (fields) => bugs.push(fields) }));
  server = createServer(app).listen(0, address);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

interface Answer {
  readonly status: number | undefined;
  readonly text: string;
  readonly challenge: string | undefined;
}

/** `fetch` would not send a Host of one's own. */
async function get(
  port: number,
  headers: Record<string, string>,
  host = '127.0.0.1',
  method = 'GET',
): Promise<Answer> {
  const sent = request({ host, port, path: '/', method, headers }).end();
  const [response] = (await once(sent, 'response')) as [import('node:http').IncomingMessage];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return {
    status: response.statusCode,
    text,
    challenge: response.headers['www-authenticate'],
  };
}

describe('without a token', () => {
  it.each([
    [{ Host: 'localhost' }],
    [{ Host: 'localhost:8420' }],
    [{ Host: '127.0.0.1:8420' }],
    [{ Host: '127.4.5.6' }],
    [{ Host: '[::1]:8420' }],
    [{ Host: 'localhost', Origin: 'http://localhost:8420' }],
    [{ Host: 'localhost', Origin: 'http://127.0.0.1' }],
    [{ Host: 'localhost', Origin: 'http://[::1]:8420' }],
  ])('a program on this machine that sends %o is let in', async (headers) => {
    const port = await listen(requireLoopback());
    expect(await get(port, headers)).toMatchObject({ status: 200, text: 'inside' });
  });

  it.each([
    [{ Host: 'attacker.example' }],
    [{ Host: 'localhost.attacker.example' }],
    [{ Host: 'attackerlocalhost' }],
    [{ Host: '127.0.0.1.attacker.example' }],
    [{ Host: 'attacker.example.127.0.0.1' }],
    [{ Host: '::1.attacker.example' }],
    [{ Host: '1127.0.0.1' }],
    [{ Host: '10.0.0.1' }],
    [{ Host: 'localhost', Origin: 'http://attacker.example' }],
    [{ Host: 'localhost', Origin: 'http://localhost.attacker.example' }],
    [{ Host: 'localhost', Origin: 'http://127.0.0.1.attacker.example' }],
    [{ Host: 'localhost', Origin: 'http://attacker.example:80/localhost' }],
    [{ Host: 'localhost', Origin: 'http://localhost@attacker.example' }],
    [{ Host: 'localhost', Origin: 'null' }],
    [{ Host: 'localhost', Origin: '' }],
  ])('a page of someone else that sends %o is refused', async (headers) => {
    const port = await listen(requireLoopback());
    const { status, text } = await get(port, headers);
    expect(status).toBe(403);
    expect(JSON.parse(text)).toMatchObject({ code: 'TOKEN_REQUIRED' });
  });

  const own = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);

  it.skipIf(own === undefined)(
    'a peer that is not loopback is refused, whatever it sends',
    async () => {
      const port = await listen(requireLoopback(), { address: '0.0.0.0' });
      const { status } = await get(port, { Host: 'localhost' }, own!.address);
      expect(status).toBe(403);
    },
  );

  it.each(['192.0.2.7', '::ffff:192.0.2.7', '128.0.0.1', '12.7.0.0', 'fe80::1', undefined])(
    'the peer %s is refused',
    async (remoteAddress) => {
      const remote: RequestHandler = (incoming, response, next) => {
        Object.defineProperty(incoming, 'socket', { value: { remoteAddress } });
        requireLoopback()(incoming, response, next);
      };
      const port = await listen(remote);
      expect((await get(port, { Host: 'localhost' })).status).toBe(403);
    },
  );
});

/** Of a server whose configuration has the token `s3cret`, and that has made no other. */
function door(now = () => 0) {
  const callerOf = () => Promise.resolve(null);
  return { emergencyToken: 's3cret', callerOf, attempts: new FailedAttempts(now), signIn: null };
}

describe('with a token', () => {
  it.each(['Bearer s3cret', 'bearer s3cret', 'Bearer   s3cret'])(
    '%o is let in, from whatever page',
    async (authorization) => {
      const port = await listen(requireCaller(door()));
      const headers = { Authorization: authorization, Host: 'longhaul.example' };
      expect(await get(port, headers)).toMatchObject({ status: 200, text: 'inside' });
    },
  );

  it.each([
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer S3cret',
    'Bearer s3cre',
    'Bearer s3cret2',
    'Bearer s3cret s3cret',
    'Basic s3cret',
    's3cret',
  ])('%o is refused and asked for a token', async (authorization) => {
    const port = await listen(requireCaller(door()));
    const headers: Record<string, string> =
      authorization === undefined ? {} : { Authorization: authorization };
    const { status, text, challenge } = await get(port, headers);
    expect([status, challenge]).toEqual([401, 'Bearer']);
    expect(JSON.parse(text)).toMatchObject({ code: 'UNAUTHORIZED' });
  });
});

describe('many wrong tokens', () => {
  it('are answered with a limit for a minute, in which the right one is let in', async () => {
    let nowMs = 0;
    const port = await listen(requireCaller(door(() => nowMs)));
    const send = async (token: string) =>
      (await get(port, { Authorization: `Bearer ${token}` })).status;
    for (let n = 0; n < 20; n++) expect(await send('wrong')).toBe(401);
    expect([await send('wrong'), await send('s3cret')]).toEqual([429, 200]);
    nowMs = 60_000;
    expect(await send('wrong')).toBe(401);
  });

  it('are not counted where none was sent', async () => {
    const port = await listen(requireCaller(door()));
    for (let n = 0; n < 25; n++) expect((await get(port, {})).status).toBe(401);
  });
});

describe('a change that a browser sends', () => {
  const own = { Host: 'backup.example' };
  it.each([
    ['POST', { ...own }, 404],
    ['POST', { ...own, Origin: 'https://backup.example' }, 404],
    ['POST', { ...own, 'Sec-Fetch-Site': 'same-origin', Origin: 'https://proxy.example' }, 404],
    ['POST', { ...own, Origin: 'https://attacker.example' }, 403],
    ['POST', { ...own, Origin: 'https://backup.example.attacker.example' }, 403],
    ['POST', { ...own, Origin: 'null' }, 403],
    ['DELETE', { ...own, 'Sec-Fetch-Site': 'cross-site' }, 403],
    ['PUT', { ...own, 'Sec-Fetch-Site': 'same-site' }, 403],
    ['GET', { ...own, Origin: 'https://attacker.example' }, 200],
  ])('as %s with %o is answered with %i', async (method, headers, status) => {
    const port = await listen(requireOwnOrigin());
    expect((await get(port, headers, '127.0.0.1', method)).status).toBe(status);
  });
});

describe('a route that throws', () => {
  it('a plain error is a bug without its text, which the log has', async () => {
    const bugs: object[] = [];
    const failure = new Error('password of the share is hunter2');
    const route = (): string => {
      throw failure;
    };
    const port = await listen(requireLoopback(), { bugs, route });
    const { status, text } = await get(port, { Host: 'localhost' });
    expect(status).toBe(500);
    expect(JSON.parse(text)).toMatchObject({ code: 'INTERNAL_ERROR', status: 500 });
    expect(text).not.toMatch(/hunter2|password|at .*\.ts/);
    expect(bugs).toEqual([{ err: failure, method: 'GET', path: '/' }]);
  });
});
