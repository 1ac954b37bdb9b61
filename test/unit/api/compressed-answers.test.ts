import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import express from 'express';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compressedAnswers } from '../../../src/api/compressed-answers.js';
import { EventStream } from '../../../src/api/events/event-stream.js';
import type { Caller } from '../../../src/domain/access/access.js';
import { servePages } from '../../support/dashboard/served-pages.js';

/** What is longer than one packet, so that it is worth compressing. */
const MANY = { items: Array.from({ length: 200 }, (_, n) => ({ id: `vm-${n}`, state: 'late' })) };
const MANY_TEXT = JSON.stringify(MANY);
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
const anna: Caller = { name: 'anna', role: 'viewer', scope: null, subject: null, expiresAt: null };

let server: Server;
let port: number;
let stream: EventStream | null = null;
beforeEach(async () => {
  const app = express();
  app.use(compressedAnswers());
  app.get('/many', (_request, response) => void response.json(MANY));
  app.get('/few', (_request, response) => void response.json({ status: 'ok' }));
  app.get('/job', (_request, response) => void response.set('ETag', '"3"').json(MANY));
  app.get('/part', (_request, response) => {
    response.status(206).set('Content-Range', 'bytes 0-4999/9000').type('json').send(MANY_TEXT);
  });
  app.get('/events', (request, response) => {
    stream = new EventStream(request, response, { caller: anna, now: () => 0, logger: quiet });
    stream.begin(() => ': alive\n\n');
  });
  server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterEach(() => {
  stream?.end();
  stream = null;
  server.closeAllConnections();
  server.close();
});

interface Answer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Buffer;
}

/** Without a client that decompresses, asks for more or waits by itself. */
async function ask(path: string, fields: readonly string[] = [], method = 'GET', to = port) {
  const socket = connect(to, '127.0.0.1');
  socket.write(
    [`${method} ${path} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...fields, '', ''].join(
      '\r\n',
    ),
  );
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return answerOf(Buffer.concat(chunks));
}

function answerOf(bytes: Buffer): Answer {
  const end = bytes.indexOf('\r\n\r\n');
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = new Map(
    lines.map((line) => {
      const [name = '', ...value] = line.split(': ');
      return [name.toLowerCase(), value.join(': ')];
    }),
  );
  const body = bytes.subarray(end + 4);
  const isChunked = headers.get('transfer-encoding') === 'chunked';
  return { status: Number(first.split(' ')[1]), headers, body: isChunked ? joined(body) : body };
}

/** Chunks with their lengths before them (RFC 9112, 7.1). */
function joined(body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; ;) {
    const line = body.indexOf('\r\n', at);
    const size = parseInt(body.subarray(at, line).toString('latin1'), 16);
    if (!(size > 0)) return Buffer.concat(parts);
    parts.push(body.subarray(line + 2, line + 2 + size));
    at = line + 2 + size + 2;
  }
}

const BOTH = ['Accept-Encoding: gzip, deflate, br'];

describe('answers', () => {
  it.each([
    ['br', 'gzip, deflate, br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
  ])('are sent as %s to whoever takes %s', async (encoding, accepted, plain) => {
    const { headers, body } = await ask('/many', [`Accept-Encoding: ${accepted}`]);
    expect(headers.get('content-encoding')).toBe(encoding);
    expect(headers.get('vary')).toBe('Accept-Encoding');
    expect(headers.has('content-length')).toBe(false);
    expect(plain(body).toString()).toBe(MANY_TEXT);
    expect(body.length).toBeLessThan(MANY_TEXT.length / 5);
  });

  it.each([
    ['whoever does not ask for it', '/many', []],
    ['whoever refuses it', '/many', ['Accept-Encoding: identity, gzip;q=0, br;q=0']],
    ['anybody when they fit one packet', '/few', BOTH],
    ['anybody under a revision that comes back in If-Match', '/job', BOTH],
    ['anybody in part', '/part', BOTH],
  ])('are sent as they are to %s', async (_who, path, fields) => {
    const { headers, body } = await ask(path, fields);
    expect(headers.has('content-encoding')).toBe(false);
    expect(headers.get('vary')).toBe('Accept-Encoding');
    expect(Number(headers.get('content-length'))).toBe(body.length);
    expect(() => JSON.parse(body.toString()) as unknown).not.toThrow();
  });

  it('are told of without a length that they would not have', async () => {
    const { status, headers, body } = await ask('/many', BOTH, 'HEAD');
    expect([status, body.length]).toEqual([200, 0]);
    expect(headers.get('vary')).toBe('Accept-Encoding');
    expect(headers.has('content-length')).toBe(false);
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8');
  });

  it('that have not changed are not sent again, whichever form they had', async () => {
    const { headers } = await ask('/many', BOTH);
    const tag = headers.get('etag') ?? '';
    expect(tag).toMatch(/^W\//);
    const again = await ask('/many', [...BOTH, `If-None-Match: ${tag}`]);
    expect([again.status, again.body.length]).toEqual([304, 0]);
    expect(again.headers.get('vary')).toBe('Accept-Encoding');
    expect(again.headers.get('etag')).toBe(tag);
  });
});

describe('events', () => {
  it('arrive at once, each by itself, also at a client that takes compressed answers', async () => {
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    const until = async (words: string): Promise<void> => {
      while (!text.includes(words)) await once(socket, 'data');
    };
    socket.write(`GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n${BOTH[0]}\r\n\r\n`);
    await until('retry: 2000\n\n');
    expect(text).not.toMatch(/content-encoding/i);
    stream?.send('event: progress\ndata: {"percent":1}\n\n');
    await until('data: {"percent":1}\n\n');
    stream?.send('event: progress\ndata: {"percent":2}\n\n');
    await until('data: {"percent":2}\n\n');
    socket.destroy();
  });
});

it('the service compresses what it serves: the document of the API and the files of the dashboard', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'longhaul-compressed-'));
  const script = 'export const words = [];\n'.repeat(400);
  await mkdir(join(folder, 'assets'));
  await writeFile(join(folder, 'assets', 'a-1.js'), script);
  const pages = await servePages(null, folder);
  try {
    const to = Number(new URL(pages.origin).port);
    const document = await ask('/api/v1/openapi.json', BOTH, 'GET', to);
    expect(document.headers.get('content-encoding')).toBe('br');
    const file = await ask('/assets/a-1.js', BOTH, 'GET', to);
    expect(file.headers.get('content-encoding')).toBe('br');
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(brotliDecompressSync(file.body).toString()).toBe(script);
    const part = await ask('/assets/a-1.js', [...BOTH, 'Range: bytes=0-4999'], 'GET', to);
    expect([part.status, part.body.toString()]).toEqual([206, script.slice(0, 5000)]);
  } finally {
    await pages.close();
    await rm(folder, { recursive: true, force: true });
  }
});
