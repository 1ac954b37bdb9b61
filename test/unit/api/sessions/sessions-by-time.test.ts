import { beforeEach, describe, expect, it } from 'vitest';
import { AllSessions } from '../../../../src/api/sessions/all-sessions.js';
import type { RepositoryBrowser } from '../../../../src/api/repositories/repository-browser.js';
import { SessionStore, type SessionFilter } from '../../../../src/api/sessions/session-store.js';
import {
  MemoryExecutions,
  type MemoryExecution,
} from '../../../support/temporal/memory-executions.js';

const at = (time: string) => Date.parse(`2026-11-${time}:00Z`);
const LONG = 'nightly-20261120T220000Z';

function run(name: string, from: string, to: string | null, memo: object = {}): MemoryExecution {
  const status = name === 'first' || name === 'second' ? 'ContinuedAsNew' : 'Completed';
  return {
    ...{ workflowId: 'session/nightly-2026-11-20T22:00:00Z', runId: name, type: 'copySession' },
    ...{ status: to === null ? 'Running' : status, startMs: at(from) },
    ...{ closeMs: to === null ? null : at(to), jobId: 'nightly', memo },
    ...(status === 'Completed' && to !== null ? { result: 'success' } : {}),
  };
}

const STARTED = { startedAt: '2026-11-20T22:00:00.000Z' };
/** A session of three days, in three runs. */
const RUNS = [
  run('first', '20T22:00', '21T20:00', STARTED),
  run('second', '21T20:00', '22T20:00', STARTED),
  run('third', '22T20:00', '23T20:00', STARTED),
];

let site: MemoryExecutions;
beforeEach(() => {
  site = new MemoryExecutions();
  site.executions = [...RUNS];
});

const listed = async (filter: SessionFilter) => {
  const { items } = await new SessionStore(site.client()).list(filter);
  return items.map(({ id, state }) => `${id} ${state}`);
};

describe('a session that went on in new runs', () => {
  it.each([
    ['the day on which it began', { from: '2026-11-20T00:00:00Z', to: '2026-11-21T00:00:00Z' }, 1],
    ['the day on which it ended', { from: '2026-11-23T00:00:00Z', to: '2026-11-24T00:00:00Z' }, 0],
    ['the day of its last run', { from: '2026-11-22T00:00:00Z', to: '2026-11-23T00:00:00Z' }, 0],
    ['all days', { from: '2026-11-01T00:00:00Z', to: '2026-12-01T00:00:00Z' }, 1],
    ['no days', {}, 1],
    ['all before its second run', { to: '2026-11-21T12:00:00Z' }, 1],
    ['all after it began', { from: '2026-11-21T00:00:00Z' }, 0],
    ['its result', { to: '2026-11-21T12:00:00Z', result: 'success', state: 'ended' }, 1],
    ['another result', { to: '2026-11-21T12:00:00Z', result: 'failed' }, 0],
  ] as const)('is listed by %s as often as it began then', async (_what, filter, count) => {
    expect(await listed(filter)).toEqual(count === 0 ? [] : [`${LONG} ended`]);
  });

  it('is listed while it runs', async () => {
    site.executions = [RUNS[0]!, run('third', '22T20:00', null, STARTED)];
    const filter = { to: '2026-11-21T12:00:00Z', state: 'running' } as const;
    expect(await listed(filter)).toEqual([`${LONG} running`]);
  });

  it('is left out of the records as long as Temporal lists it, and only then', async () => {
    const browser = {
      sessionRecords: async () => ({ items: [{ id: LONG }] }),
    } as unknown as RepositoryBrowser;
    const all = new AllSessions({
      ...{ live: new SessionStore(site.client()), browser, targets: ['offsite'], now: () => 0 },
    });
    const records = async (filter: SessionFilter) =>
      (await all.list({ ...filter, cursor: 'stored/0/' })).items.map(({ id }) => id);
    expect(await records({ to: '2026-11-21T12:00:00Z' })).toEqual([]);
    // What its record says ended otherwise than Temporal says.
    expect(await records({ result: 'failed' })).toEqual([LONG]);
    site.executions = [];
    expect(await records({})).toEqual([LONG]);
  });
});
