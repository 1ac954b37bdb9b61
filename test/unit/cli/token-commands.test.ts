import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

const VIEW = {
  id: '1f3a9c02',
  name: 'anna',
  role: 'operator',
  scope: null,
  createdBy: 'root',
  createdAt: '2026-11-26T12:00:00.000Z',
  expiresAt: '2026-11-27T12:00:00.000Z',
  lastUsedAt: null,
  isExpired: true,
};

it('makes a token and prints it alone', async () => {
  const token = 'lh_1f3a9c02_secret';
  bench.answer({ 'POST /tokens': { status: 201, body: { ...VIEW, token } } });
  const words = [
    'anna',
    '--role',
    'operator',
    '--job',
    'nightly',
    'weekly',
    '--repository',
    'vault',
  ];
  expect(await bench.run(['token', 'create', ...words])).toEqual({
    code: 0,
    out: `${token}\n`,
    err: '',
  });
  expect(bench.seen[0]?.body).toEqual({
    name: 'anna',
    role: 'operator',
    scope: { jobs: ['nightly', 'weekly'], repositories: ['vault'] },
    expiresAt: null,
  });
});

it('makes one that ends after some days', async () => {
  bench.answer({ 'POST /tokens': { status: 201, body: { ...VIEW, token: 'x' } } });
  const before = Date.now();
  await bench.run(['token', 'create', 'anna', '--role', 'viewer', '--expires', '30']);
  const { expiresAt, scope } = bench.seen[0]?.body as { expiresAt: string; scope: unknown };
  const days = (Date.parse(expiresAt) - before) / 86_400_000;
  expect([Math.round(days * 1_000) / 1_000, scope]).toEqual([30, null]);
});

it.each([['0'], ['soon'], ['1.5']])('refuses %s days', async (days) => {
  const { code, err } = await bench.run([
    'token',
    'create',
    'anna',
    '--role',
    'viewer',
    '--expires',
    days,
  ]);
  expect([code, bench.seen.length, err.includes('is not a number of days')]).toEqual([2, 0, true]);
});

it('lists and revokes them', async () => {
  bench.answer({
    'GET /tokens': { body: { items: [VIEW] } },
    'DELETE /tokens/1f3a9c02': { status: 204 },
  });
  const { out } = await bench.run(['token', 'list']);
  expect(out.split('\n')[1]?.split(/ {2,}/)).toEqual([
    '1f3a9c02',
    'anna',
    'operator',
    'everything',
    'root',
    '2026-11-27 12:00:00Z (over)',
    '-',
  ]);
  expect((await bench.run(['token', 'revoke', '1f3a9c02'])).out).toBe(
    'Token 1f3a9c02 holds no longer.\n',
  );
});
