import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCommandBench, SESSION, type CommandBench } from './command-bench.js';

let bench: CommandBench;
beforeEach(async () => {
  bench = await openCommandBench();
});
afterEach(() => bench.close());

const AT = '2026-11-27T12:00:00.000Z';

function blocks(...events: [string, Record<string, unknown> & { type: string }][]): string {
  return events
    .map(
      ([id, data]) =>
        `id: ${id}\nevent: ${data.type}\ndata: ${JSON.stringify({ at: AT, ...data })}\n\n`,
    )
    .join(': alive\nid: ignored\n\n');
}

describe('events', () => {
  it('writes a line for each, in which names act on no terminal, and takes a connection up again that was closed', async () => {
    const job = { id: 'nightly', name: 'Night\u001b[31m\nly', revision: 1, state: 'enabled' };
    const problem = { severity: 'error', text: 'db07 is 9 h late', code: 'COPY_LATE' };
    bench.answer({
      'GET /events': {
        text: `retry: 2000\n\n${blocks(
          ['a-0', { type: 'reset', reason: 'begun' }],
          ['a-1', { type: 'jobMade', job }],
          ['a-2', { type: 'problemBegan', problem }],
        )}`,
      },
      'GET /events?since=a-2': {
        text: blocks([
          'a-3',
          { type: 'sessionEnded', session: { ...SESSION, state: 'ended', result: 'warning' } },
        ]),
      },
      'GET /events?since=a-3': { text: ': alive\n\n' },
    });
    const { out, err, code } = await bench.run(['events']);
    expect(out.trimEnd().split('\n')).toEqual([
      '2026-11-27 12:00:00Z  look at everything again: events follow from here',
      '2026-11-27 12:00:00Z  job nightly was made: Night\\u001b[31m\\u000aly',
      '2026-11-27 12:00:00Z  error: db07 is 9 h late (COPY_LATE)',
      `2026-11-27 12:00:00Z  session ${SESSION.id} ended: warning`,
    ]);
    expect(code).toBe(5);
    expect(err).toContain('`longhaul events --since a-3`');
  });

  it('goes on behind what it may not see, whose ids alone it is told', async () => {
    bench.answer({
      'GET /events': {
        text: `${blocks(['a-0', { type: 'reset', reason: 'begun' }])}: alive\nid: a-5\n\n`,
      },
      'GET /events?since=a-5': { text: blocks(['a-6', { type: 'lookSucceeded' }]) },
    });
    const { out, err } = await bench.run(['events']);
    expect(out).toContain('the server can look again');
    expect(err).toContain('`longhaul events --since a-6`');
  });

  it('begins after the event that is named, and writes one object a line with --json', async () => {
    bench.answer({
      'GET /events?since=a-7': { text: blocks(['a-8', { type: 'lookSucceeded' }]) },
    });
    const { out, err } = await bench.run(['events', '--since', 'a-7', '--json']);
    expect(out).toBe(
      `{"id":"a-8","event":"lookSucceeded","data":{"at":"${AT}","type":"lookSucceeded"}}\n`,
    );
    expect(err).toContain('ROUTE_NOT_FOUND');
    expect(err).toContain('--since a-8');
  });
});
