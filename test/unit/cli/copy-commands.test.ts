import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCommandBench, type CommandBench } from './command-bench.js';

const STORED = {
  ...{ id: 'once-web01-0123456789', name: 'One-time copy of web01', workloadCount: 1 },
  ...{ restorePointCount: 1, newestAt: '2026-11-24T22:00:00.000Z', sessionCount: 1 },
  ...{ lastSession: null, once: { restorePointId: null, expiresAt: '2027-01-01T00:00:00.000Z' } },
  ...{ detached: null, storedBytes: 65_536 },
};
const JOB = { ...STORED, id: 'nightly', name: 'Nightly', once: null };
const REMOVE = 'POST /repositories/offsite/one-time-copies/once-web01-0123456789/remove';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
  bench.answer({
    'POST /one-time-copies': {
      status: 202,
      body: { copyId: STORED.id, sessionId: `${STORED.id}-20261124T230000Z`, hasBegun: true },
    },
    'GET /repositories/offsite/jobs': { body: { items: [STORED, JOB] } },
    [REMOVE]: { status: 202, body: { copyId: STORED.id } },
  });
});
afterEach(() => bench.close());

describe('one-time copies', () => {
  it('are ordered with the end of the day that is named, and with a key if there is one', async () => {
    const words = ['copy', 'once', 'primary', 'web01', '--to', 'offsite'];
    const more = ['--expires', '2026-12-31', '--idempotency-key', 'k1'];
    const { code, out } = await bench.run([...words, ...more]);
    expect([code, out]).toEqual([0, `${STORED.id}: session ${STORED.id}-20261124T230000Z\n`]);
    expect(bench.seen[0]?.headers['idempotency-key']).toBe('k1');
    expect(bench.seen[0]?.body).toEqual({
      source: { repositoryId: 'primary', workload: 'web01', restorePointId: null },
      target: { repositoryId: 'offsite' },
      expiresAt: '2027-01-01T00:00:00.000Z',
    });
    const wrong = await bench.run([...words, '--expires', 'soon']);
    expect([wrong.code, bench.seen.length]).toEqual([2, 1]);
  });

  it('are ordered without a fault when no worker has begun them, and not followed then', async () => {
    const sessionId = `${STORED.id}-20261124T230000Z`;
    const body = { copyId: STORED.id, sessionId, hasBegun: false };
    bench.answer({ 'POST /one-time-copies': { status: 202, body } });
    const words = ['copy', 'once', 'primary', 'web01', '--to', 'offsite'];
    const ordered = await bench.run(words);
    expect([ordered.code, ordered.out]).toEqual([0, `${STORED.id}: session ${sessionId}\n`]);
    expect(ordered.err).toMatch(/No worker has begun it yet/);
    const followed = await bench.run([...words, '--follow']);
    expect([followed.code, bench.seen.length]).toEqual([5, 2]);
    expect(followed.err).toContain(`longhaul session follow ${sessionId}`);
  });

  it.each([
    [[], 'look at `longhaul session list` before you repeat it'],
    [['--idempotency-key', 'k1'], 'repeat it with the same --idempotency-key'],
  ])(
    'say that they may have been taken when their answer is a fault that passes (%j)',
    async (...row) => {
      const [flags, hint] = row;
      const body = { code: 'TEMPORAL_UNREACHABLE', detail: 'no answer', hint: 'Wait.' };
      bench.answer({
        'POST /one-time-copies': { status: 503, body },
        'POST /jobs/nightly/start': { status: 503, body },
        'POST /file-backup-jobs/shares/start': { status: 503, body },
      });
      for (const words of [
        ['copy', 'once', 'primary', 'web01', '--to', 'offsite'],
        ['job', 'start', 'nightly'],
        ['file-backup-job', 'start', 'shares'],
      ]) {
        const { code, err } = await bench.run([...words, ...flags]);
        expect([code, err.includes('may have been taken'), err.includes(hint)]).toEqual([
          ...[5, true, true],
        ]);
        expect(bench.seen.at(-1)?.headers['idempotency-key']).toBe(flags[1]);
      }
    },
  );

  it('are listed with their dates, without the jobs', async () => {
    const { out } = await bench.run(['copy', 'list', 'offsite']);
    expect(out).toContain('once-web01-0123456789');
    expect(out).toMatch(/2027-01-01/);
    expect(out).not.toContain('nightly');
  });

  it('are shown before they are removed, and removed with --yes alone', async () => {
    const shown = await bench.run(['copy', 'remove', 'offsite', STORED.id]);
    expect([shown.code, shown.out.includes('repeat it with --yes')]).toEqual([4, true]);
    const missing = await bench.run(['copy', 'remove', 'offsite', 'nightly']);
    expect(missing.code).toBe(3);
    expect(bench.seen.some(({ method }) => method === 'POST')).toBe(false);
    expect((await bench.run(['copy', 'remove', 'offsite', STORED.id, '--yes'])).code).toBe(0);
    expect(`${bench.seen.at(-1)!.method} ${bench.seen.at(-1)!.path}`).toBe(REMOVE);
  });
});
