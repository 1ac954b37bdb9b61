import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SupportBundle } from '../../../src/cli/commands/support-command.js';
import { openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

const PATHS = [
  ...['/system', '/overview', '/repositories', '/jobs', '/mirror-jobs', '/file-backup-jobs'],
  ...['/limits', '/notification-channels', '/operations', '/sessions', '/sessions?result=failed'],
];

it('a support bundle holds each answer of the server, and names those that did not come', async () => {
  const answers = PATHS.map((path) => [`GET ${path}`, { body: { of: path } }] as const);
  const away = { code: 'TEMPORAL_UNREACHABLE', detail: 'Temporal is away', hint: 'Wait.' };
  const bug = { code: 'INTERNAL_ERROR', detail: 'this is a bug', hint: 'The log has it.' };
  bench.answer({
    ...Object.fromEntries(answers),
    'GET /jobs': { status: 500, body: bug },
    'GET /sessions': { status: 503, body: away },
  });

  const { code, out } = await bench.run(['support-bundle']);

  const bundle = JSON.parse(out) as SupportBundle;
  expect(code).toBe(0);
  expect(Object.values(bundle.parts)).toEqual(
    PATHS.filter((path) => path !== '/sessions' && path !== '/jobs').map((path) => ({ of: path })),
  );
  expect(bundle.lacking).toMatchObject([
    { part: 'jobs', code: 'INTERNAL_ERROR', reason: 'this is a bug' },
    {
      part: 'sessions',
      code: 'TEMPORAL_UNREACHABLE',
      reason: expect.stringContaining('away') as string,
    },
  ]);
});

it('a server that lets nobody in gives no support bundle', async () => {
  const refused = { code: 'UNAUTHORIZED', detail: 'no token', hint: 'Give one.' };
  bench.answer(
    Object.fromEntries(PATHS.map((path) => [`GET ${path}`, { status: 401, body: refused }])),
  );
  const { code, out, err } = await bench.run(['support-bundle']);
  expect(code).not.toBe(0);
  expect(out).toBe('');
  expect(err).toContain('UNAUTHORIZED');
});
