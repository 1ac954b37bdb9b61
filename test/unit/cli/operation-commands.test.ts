import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { OperationView } from '../../../src/api/repositories/repository-schemas.js';
import { untilEnded } from '../../../src/cli/client/follow-operation.js';
import { ServerError } from '../../../src/cli/client/server-client.js';
import { BackupError } from '../../../src/domain/errors.js';
import { openCommandBench, type CommandBench } from './command-bench.js';

const ID = 'verify.offsite.all';
const RUN = '0b5f0c9e-7a34-4b8e-9f0d-3c1d6a2e4f51';
const RUNNING: OperationView = {
  ...{ id: ID, runId: RUN, kind: 'verify', repositoryId: 'offsite', state: 'running', live: true },
  ...{ startedAt: '2026-11-24T22:00:00.000Z', endedAt: null, result: null },
  ...{ processedBytes: 0, totalBytes: 0, code: null, reason: null, notes: [], omittedNotes: 0 },
};
const ENDED: OperationView = {
  ...RUNNING,
  ...{ state: 'ended', result: 'warning', endedAt: '2026-11-24T23:00:00.000Z' },
};

describe('a command that waits for an operation', () => {
  /** Answers in their order; each pause lasts a minute. */
  function waiting(answers: readonly (OperationView | Error)[]) {
    let [asked, nowMs] = [0, 0];
    const wait = {
      read: async () => {
        const answer = answers[asked] ?? answers.at(-1)!;
        asked += 1;
        if (answer instanceof Error) throw answer;
        return answer;
      },
      pause: async () => void (nowMs += 60_000),
      nowMs: () => nowMs,
    };
    return { wait, asked: () => asked };
  }
  const silent = new BackupError('SERVER_UNREACHABLE', 'no answer');

  it('goes on asking a server that does not answer for some minutes, each time anew', async () => {
    const silence = Array.from({ length: 10 }, () => silent);
    const { wait, asked } = waiting([RUNNING, ...silence, RUNNING, ...silence, ENDED]);
    expect(await untilEnded(ID, wait)).toEqual(ENDED);
    expect(asked()).toBe(23);
  });

  it.each([
    ['a server that stays silent', silent, 11],
    ['an operation that is gone', new BackupError('OPERATION_MISSING', 'none'), 1],
    ['a bug of the server', new ServerError('INTERNAL_ERROR', 'a bug', ''), 1],
  ])('says with %s how the operation is found again', async (_what, error, times) => {
    const { wait, asked } = waiting([error]);
    const fault = (await untilEnded(ID, wait).catch((thrown: unknown) => thrown)) as Error;
    const text = fault instanceof BackupError ? fault.hint : fault.message;
    expect([fault.name, text.includes(`longhaul operation follow ${ID}`), asked()]).toEqual([
      ...[error.name, true, times],
    ]);
  });
});

describe('operations', () => {
  let bench: CommandBench;
  beforeEach(async () => {
    bench = await openCommandBench();
  });
  afterEach(() => bench.close());

  it('are listed with what is left out, and looked up by id and run', async () => {
    bench.answer({
      'GET /operations?state=ended': { body: { items: [ENDED], nextCursor: 'next' } },
      [`GET /operations/${ID}?run=${RUN}`]: { body: ENDED },
      'GET /operations': { body: { items: [] } },
    });
    const list = await bench.run(['operation', 'list', '--state', 'ended']);
    expect(list.out.split('\n')[1]?.split(/ {2,}/)).toEqual([
      ...[ID, 'ended', 'warning', '2026-11-24 22:00:00Z', '2026-11-24 23:00:00Z', RUN],
    ]);
    expect(list.err).toContain('--all');
    const shown = await bench.run(['operation', 'show', ID, '--run', RUN]);
    expect([shown.code, shown.out.includes('warning')]).toEqual([0, true]);
    expect((await bench.run(['operation', 'list'])).out).toBe('No operations.\n');
  });

  it('are followed to the end of that run, although the next one has begun', async () => {
    bench.answer({
      [`GET /operations/${ID}`]: { body: RUNNING },
      [`GET /operations/${ID}?run=${RUN}`]: { body: ENDED },
    });
    const { code, err } = await bench.run(['operation', 'follow', ID], { isInteractive: true });
    expect([code, err.includes(ID)]).toEqual([8, true]);
  });

  it('are stopped, with the reason for whoever comes next', async () => {
    bench.answer({ [`POST /operations/${ID}/stop?run=${RUN}`]: { status: 202, body: RUNNING } });
    const reason = ['--reason', 'the link is needed'];
    const { code, out } = await bench.run(['operation', 'stop', ID, '--run', RUN, ...reason]);
    expect([code, out]).toEqual([0, `${ID} is stopping.\n`]);
    expect(bench.seen.at(-1)?.body).toEqual({ reason: 'the link is needed' });
  });

  it('may have begun when nobody answered whether they did', async () => {
    const body = { code: 'TEMPORAL_UNREACHABLE', detail: 'no answer', hint: 'Wait.' };
    bench.answer({ 'POST /repositories/offsite/verify': { status: 503, body } });
    const { code, err } = await bench.run(['restore-point', 'verify', 'offsite']);
    expect([code, err.includes('look at `longhaul operation list` before')]).toEqual([5, true]);
  });

  it('are waited for without a word more where nobody looks on', async () => {
    bench.answer({ [`GET /operations/${ID}`]: { body: ENDED } });
    expect((await bench.run(['operation', 'follow', ID])).err).toBe('');
  });
});
