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

  it('draws a bar on a terminal', async () => {
    bench.answer({ [`GET ${path}`]: eventsOf(['progress', SESSION], ['end', ended('success')]) });
    const { out } = await follow({ isInteractive: true });
    expect(out).toContain(`[${'#'.repeat(20)}${'.'.repeat(20)}] 50.0 %`);
  });

  it('is not content with a connection that ends before the session', async () => {
    bench.answer({ [`GET ${path}`]: eventsOf(['progress', SESSION]) });
    const { code, err } = await follow();
    expect(code).toBe(5);
    expect(err).toContain(`longhaul session follow ${SESSION.id}`);
  });

  it('follows the session that job start --follow began', async () => {
    bench.answer({
      'POST /jobs/nightly/start': { status: 202, body: { sessionId: SESSION.id } },
      [`GET ${path}`]: eventsOf(['end', ended('warning')]),
    });
    expect((await bench.run(['job', 'start', 'nightly', '--follow'])).code).toBe(8);
  });
});
