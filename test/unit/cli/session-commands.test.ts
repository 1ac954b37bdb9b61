import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCommandBench, SESSION, TASK, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

function eventsOf(...events: [string, object][]): { text: string } {
  const text = events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  return { text: `: alive\n\n${text.join('')}` };
}

describe('session follow', () => {
  const path = `/sessions/${SESSION.id}/events`;
  const follow = (options?: { isInteractive?: boolean }) =>
    bench.run(['session', 'follow', SESSION.id], options);
  const ended = (result: string) => ({ ...SESSION, state: 'ended', result });

  it.each([
    ['success', 0],
    ['nothingToCopy', 0],
    ['failed', 6],
    ['stopped', 6],
    ['actionRequired', 7],
    ['warning', 8],
  ])('ends on the result %s with exit code %i', async (result, code) => {
    bench.answer({ [`GET ${path}`]: eventsOf(['end', ended(result)]) });
    expect((await follow()).code).toBe(code);
  });

  it('writes plain lines into a pipe: one for each change of a task', async () => {
    const progress = ['progress', SESSION] as [string, object];
    const task = ['task', TASK] as [string, object];
    const end = ['end', ended('success')] as [string, object];
    bench.answer({ [`GET ${path}`]: eventsOf(progress, task, progress, task, end) });
    const { out } = await follow();
    expect(out).not.toContain('\u001b');
    expect(out).not.toContain('\r');
    expect(out.split('\n').slice(0, 2)).toEqual([
      '50.0 %, 1.0 GiB of 2.0 GiB, 100.0 MiB/s, 1h 2m left',
      'web01: copying (full, 50.0 %, 1.0 GiB of 2.0 GiB, 100.0 MiB/s, 1h 2m left)',
    ]);
    expect(out.match(/web01: copying/g)).toHaveLength(1);
  });

  it('says which try of a task waits until when, and why, once for each try', async () => {
    const retry = (attempt: number) => ({
      attempt,
      code: 'REPOSITORY_UNREACHABLE',
      reason: 'Repository "offsite" does not answer.',
      nextTryAt: `2026-11-24T22:00:0${attempt}.000Z`,
    });
    const task = (attempt: number): [string, object] => [
      'task',
      { ...TASK, state: 'inspecting', algorithm: 'none', retry: retry(attempt) },
    ];
    const session: [string, object] = ['progress', { ...SESSION, retry: retry(4) }];
    const events = [task(2), task(2), task(3), session, ['end', ended('success')]];
    bench.answer({ [`GET ${path}`]: eventsOf(...(events as [string, object][])) });
    const { out } = await follow();
    const why = 'because the last one failed: REPOSITORY_UNREACHABLE: Repository "offsite"';
    expect(out.split('\n').slice(0, 3)).toEqual([
      expect.stringContaining(`web01: inspecting; try 2 at 2026-11-24 22:00:02Z, ${why}`),
      expect.stringContaining(`web01: inspecting; try 3 at 2026-11-24 22:00:03Z, ${why}`),
      expect.stringContaining(`session: try 4 at 2026-11-24 22:00:04Z, ${why}`),
    ]);
  });

  it('says which storage a task waits for, once however long it waits', async () => {
    const waits = (repositoryId: string, seconds: number) => ({
      ...{ repositoryId, seconds, step: 'planCopy', code: 'REPOSITORY_UNREACHABLE' },
      reason: `storage of ${repositoryId} has not answered for ${seconds} s (planCopy)`,
    });
    const task = (seconds: number): [string, object] => [
      'task',
      { ...TASK, state: 'planning', algorithm: 'none', waits: waits('offsite', seconds) },
    ];
    const session: [string, object] = ['progress', { ...SESSION, waits: waits('nas1', 12) }];
    const events = [task(15), task(20), session, ['end', ended('success')]];
    bench.answer({ [`GET ${path}`]: eventsOf(...(events as [string, object][])) });
    const { out } = await follow();
    expect(out.split('\n').slice(0, 2)).toEqual([
      'web01: planning; REPOSITORY_UNREACHABLE: storage of offsite has not answered for 15 s (planCopy)',
      'session: REPOSITORY_UNREACHABLE: storage of nas1 has not answered for 12 s (planCopy)',
    ]);
    expect(out).not.toContain('20 s');
  });

  it('draws a bar on a terminal', async () => {
    bench.answer({ [`GET ${path}`]: eventsOf(['progress', SESSION], ['end', ended('success')]) });
    const { out } = await follow({ isInteractive: true });
    expect(out).toContain(`[${'#'.repeat(20)}${'.'.repeat(20)}] 50.0 %`);
  });

  it('is not content with a connection that ends before the session', async () => {
    const connections = [
      eventsOf(['progress', SESSION]),
      eventsOf(['end', ended('success')] as [string, object]),
    ];
    bench.answer({
      get [`GET ${path}`]() {
        return connections.shift()!;
      },
    });
    const { code, err } = await follow();
    expect(code).toBe(0);
    expect(err).toContain(`Following ${SESSION.id}`);
  });

  it('takes a connection up again that was closed after a while, and repeats nothing', async () => {
    const task = ['task', TASK] as [string, object];
    const connections = [
      eventsOf(['progress', SESSION], task),
      eventsOf(task, ['end', ended('success')]),
    ];
    bench.answer({
      get [`GET ${path}`]() {
        return connections.shift()!;
      },
    });
    const { code, out } = await follow();
    expect(code).toBe(0);
    expect(out.match(/web01: copying/g)).toHaveLength(1);
  });

  it('follows the session that job start --follow began', async () => {
    bench.answer({
      'POST /jobs/nightly/start': { status: 202, body: { sessionId: SESSION.id } },
      [`GET ${path}`]: eventsOf(['end', ended('warning')]),
    });
    expect((await bench.run(['job', 'start', 'nightly', '--follow'])).code).toBe(8);
  });
});

describe('a first page of sessions that is not all', () => {
  it.each([
    ['without any', [], 'None of the sessions that were looked at first.\n'],
    ['with some', [SESSION], expect.stringContaining(SESSION.id)],
  ])('is not called all of them, %s', async (_what, items, shown) => {
    bench.answer({ 'GET /sessions': { body: { items, nextCursor: 'stored/0/' } } });
    const { code, out, err } = await bench.run(['session', 'list']);
    expect([code, out]).toEqual([0, shown]);
    expect(err).toContain('--all');
    bench.answer({ 'GET /sessions': { body: { items: [] } } });
    expect(await bench.run(['session', 'list'])).toMatchObject({ out: 'No sessions.\n', err: '' });
  });
});

describe('a session with more tasks than it shows', () => {
  it('counts them all and says where the others are', async () => {
    const session = {
      ...SESSION,
      taskCounts: { ...SESSION.taskCounts, success: 4_999 },
      tasks: [TASK],
      omittedTasks: 4_200,
    };
    bench.answer({ [`GET /sessions/${SESSION.id}`]: { body: session } });
    const { out } = await bench.run(['session', 'show', SESSION.id]);
    expect(out).toContain('1 running, 4999 success');
    expect(out).toContain(
      `4200 more tasks, and all of each task: longhaul session tasks ${SESSION.id}`,
    );
  });

  it('tells what holds it and each of its tasks up', async () => {
    const tasks = [
      { ...TASK, bottleneck: 'source' },
      { ...TASK, workload: 'db01', state: 'waiting', bottleneck: 'turn' },
    ];
    bench.answer({
      [`GET /sessions/${SESSION.id}`]: { body: { ...SESSION, tasks, bottleneck: 'source' } },
    });
    const { out } = await bench.run(['session', 'show', SESSION.id]);
    expect(out).toMatch(/Held up by +reading the source/);
    expect(out).toMatch(/web01 .* reading the source/);
    expect(out).toMatch(/db01 .* waiting for its turn/);
  });

  it('says below the table why a task ended so, where a long cause widens nothing', async () => {
    const failed = {
      state: 'ended',
      result: 'failed',
      code: 'REPOSITORY_FULL',
      reason: 'No room.',
    };
    const tasks = [
      { ...TASK, ...failed },
      { ...TASK, workload: 'db01' },
    ];
    bench.answer({ [`GET /sessions/${SESSION.id}`]: { body: { ...SESSION, tasks } } });
    const { out } = await bench.run(['session', 'show', SESSION.id]);
    const lines = out.split('\n');
    expect(lines).toContain('web01: REPOSITORY_FULL: No room.');
    expect(lines.find((line) => line.startsWith('web01 '))).not.toContain('No room');
    expect(lines.filter((line) => line.startsWith('db01'))).toHaveLength(1);
  });

  it('tells what the target did not have, what it had already and what was written', async () => {
    const moved = { transferredBytes: 1024, reusedBytes: 3072, storedBytes: 4096 };
    const session = { ...SESSION, progress: { ...SESSION.progress, ...moved } };
    bench.answer({ [`GET /sessions/${SESSION.id}`]: { body: session } });
    const { out } = await bench.run(['session', 'show', SESSION.id]);
    expect(out).toMatch(/New in the target +1.0 KiB; 3.0 KiB were there already, 4.0 KiB written/);
  });

  it('shows them whole, page after page, and names the files that cannot be read', async () => {
    const path = `/sessions/${SESSION.id}/tasks`;
    const whole = { ...TASK, state: 'ended', result: 'success', algorithm: 'none' };
    const times = {
      spentMs: { inspecting: 2_000, copying: 200_000, committing: 300 },
      moverTimes: { sourceMs: 710, targetMs: 200, limitMs: 0, processorMs: 90 },
      ...{ resumedFromBytes: 2 ** 30, attempt: 2 },
    };
    const listed = { notes: ['p1 was merged'], committed: ['2026-11-24T220000Z'] };
    const first = { ...whole, ...listed, ...times };
    const bad = { path: 'a/vm1.json', code: 'METADATA_CORRUPT', reason: 'it is not JSON' };
    const second = { ...whole, workload: 'db01', omitted: { committed: 0, notes: 12 } };
    bench.answer({
      [`GET ${path}`]: { body: { items: [first], unreadable: [], nextCursor: 'files' } },
      [`GET ${path}?cursor=files`]: { body: { items: [second], unreadable: [bad] } },
    });
    const { out, err, code } = await bench.run(['session', 'tasks', SESSION.id]);
    expect(out.trimEnd().split('\n')).toEqual([
      'web01: success',
      '  inspecting 2s, copying 3m 20s; its copying: reading 71 %, writing 20 %, processor 9 %',
      '  taken up again at 1.0 GiB of its disk (attempt 2): what lies before was not copied again',
      '  copied 2026-11-24T220000Z',
      '  p1 was merged',
      'db01: success',
      '  0 restore points and 12 notes more',
    ]);
    expect(err).toContain('a/vm1.json');
    expect(code).toBe(0);
  });
});
