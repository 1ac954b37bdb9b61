import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

const SENTENCE =
  '41 of 43 workloads have a copy younger than 26 h; db07 is 9 h late; nothing is damaged; oldest check 6 days';
const PROBLEM = {
  code: 'COPY_LATE',
  severity: 'error',
  since: '2026-11-24T22:00:00.000Z',
  text: 'db07: its newest copy is 35 h old; the limit is 26 h',
  nextStep: 'Start the job.',
  jobId: null,
  sessionId: null,
};

function overview(state: string, problems: object[]) {
  return { verdict: { state, sentence: SENTENCE }, problems, omittedProblems: 0 };
}

it.each([
  ['safe', 0],
  ['unsafe', 1],
  ['unknown', 1],
])('says that it is %s with exit code %i', async (state, code) => {
  bench.answer({ 'GET /overview': { body: overview(state, []) } });
  expect(await bench.run(['safe'])).toEqual({ code, out: `${SENTENCE}\n`, err: '' });
});

it('names what is wrong, since when, and what to do', async () => {
  bench.answer({ 'GET /overview': { body: overview('unsafe', [PROBLEM]) } });
  expect((await bench.run(['safe'])).out.split('\n')).toEqual([
    SENTENCE,
    'error: db07: its newest copy is 35 h old; the limit is 26 h (COPY_LATE, since 2026-11-24 22:00:00Z)',
    '  Start the job.',
    '',
  ]);
});

it('tells the ids that commands take, which are not in the text', async () => {
  const late = { ...PROBLEM, jobId: 'nightly' };
  const failed = { ...late, sessionId: 'nightly-20261124T220000Z' };
  bench.answer({ 'GET /overview': { body: overview('unsafe', [late, failed]) } });
  const lines = (await bench.run(['safe'])).out.split('\n');
  expect(lines.slice(2, 4)).toEqual(['  Start the job.', '  Job: nightly']);
  expect(lines.slice(5, 7)).toEqual([
    '  Start the job.',
    '  longhaul session show nightly-20261124T220000Z',
  ]);
});

it('does not take a server that does not answer for unsafe', async () => {
  const environment = { LONGHAUL_SERVER: 'http://127.0.0.1:9' };
  expect((await bench.run(['safe'], { environment })).code).toBe(5);
});

it('lists workloads with what was asked for', async () => {
  const workload = {
    name: 'db07',
    repositoryId: 'primary',
    state: 'late',
    since: '2026-11-24T22:00:00.000Z',
    newestSourceAt: null,
    newestCopyAt: null,
    restorePointCount: 3,
    oldestVerifiedAt: null,
    storedBytes: 1_536,
    copies: [{ jobId: 'nightly' }],
  };
  bench.answer({
    'GET /workloads?state=late&jobId=nightly&repositoryId=offsite&search=db': {
      body: { items: [workload] },
    },
  });
  const flags = [
    '--state',
    'late',
    '--job',
    'nightly',
    '--repository',
    'offsite',
    '--search',
    'db',
  ];
  const { code, out } = await bench.run(['workload', 'list', ...flags]);
  expect([code, out.split('\n')[1]?.split(/ {2,}/)]).toEqual([
    0,
    ['db07', 'primary', 'late', '2026-11-24 22:00:00Z', '-', '-', '3', '-', '1.5 KiB', 'nightly'],
  ]);
});

it('names what could not be looked at beside an empty list of workloads', async () => {
  const unreadable = [{ path: 'offsite', code: 'REPOSITORY_UNREACHABLE', reason: 'no answer' }];
  bench.answer({ 'GET /workloads': { body: { items: [], asOf: null, unreadable } } });
  const { out, err } = await bench.run(['workload', 'list']);
  expect(out).toBe('No workloads.\n');
  expect(err).toMatch(/offsite +REPOSITORY_UNREACHABLE +no answer/);
});

it('makes a job with limits', async () => {
  bench.answer({ 'POST /jobs': { status: 400, body: {} } });
  const flags = ['--name', 'n', '--source', 'primary', '--target', 'offsite'];
  await bench.run(['job', 'create', ...flags, '--max-copy-age', '26', '--max-lag', '4']);
  expect(bench.seen[0]?.body).toMatchObject({ rpo: { maxCopyAgeHours: 26, maxLagHours: 4 } });
});
