import { beforeEach, describe, expect, it } from 'vitest';
import {
  listSessionRecords,
  readSessionRecord,
} from '../../../../src/chain/sessions/session-list.js';
import { BackupError } from '../../../../src/domain/errors.js';
import { putFile } from '../../../support/repository/chain-record-file.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

let repository: SimulatedRepository;
let writtenAt: Map<string, string>;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
  writtenAt = new Map();
  const list = repository.list.bind(repository);
  repository.list = async (path) =>
    (await list(path)).map((entry) => {
      const at = writtenAt.get(entry.path);
      if (at === undefined) return entry;
      return { ...entry, stamp: { ...entry.stamp, modifiedAtNs: `${Date.parse(at)}000000` } };
    });
});

/** A record as a session leaves it, whose id says when it was to start. */
async function putSession(id: string, startedAt: string, endedAt: string): Promise<void> {
  const path = `nightly/sessions/2026/${id}.json`;
  const session = {
    ...{ id, jobId: 'nightly', trigger: 'schedule', startedBy: null, tryNumber: 1 },
    ...{ result: 'success', startedAt, endedAt },
  };
  await putFile(repository, path, JSON.stringify({ longhaulSession: 1, session }));
  writtenAt.set(path, endedAt);
}

it('finds a session that began days after it was to start by when it began', async () => {
  const onTime = 'nightly-20261120T020000Z';
  const caughtUp = 'nightly-20261121T020000Z';
  await putSession(onTime, '2026-11-20T02:00:00Z', '2026-11-20T03:00:00Z');
  await putSession(caughtUp, '2026-11-26T09:00:00Z', '2026-11-26T10:00:00Z');
  const from = async (fromAt: string) => {
    const filter = { jobId: 'nightly', fromMs: Date.parse(fromAt), toMs: null, result: null };
    const { sessions, unreadable } = await listSessionRecords(repository, filter, null);
    expect(unreadable).toEqual([]);
    return sessions.map(({ id }) => id);
  };
  expect(await from('2026-11-26T00:00:00Z')).toEqual([caughtUp]);
  expect(await from('2026-11-26T09:00:01Z')).toEqual([]);
  expect(await from('2026-11-20T00:00:00Z')).toEqual([caughtUp, onTime]);
});

describe('the list of recorded sessions', () => {
  const ALL = { jobId: 'nightly', fromMs: null, toMs: null, result: null } as const;
  const day = (n: number) => `2026-11-${String(n).padStart(2, '0')}T02:00:00Z`;
  const idOf = (n: number) => `nightly-${day(n).replaceAll(/[-:]/g, '')}`;

  async function putDays(...days: number[]): Promise<void> {
    for (const n of days) await putSession(idOf(n), day(n), day(n).replace('T02', 'T03'));
  }

  it('has those that begin within the time, its first instant in and its last one out', async () => {
    await putDays(1, 2, 3, 4);
    const between = async (fromAt: string | null, toAt: string | null) => {
      const at = (time: string | null) => (time === null ? null : Date.parse(time));
      const filter = { ...ALL, fromMs: at(fromAt), toMs: at(toAt) };
      const { sessions, next } = await listSessionRecords(repository, filter, null);
      expect(next).toBeNull();
      return sessions.map(({ id }) => id);
    };
    expect(await between(day(2), day(4))).toEqual([idOf(3), idOf(2)]);
    expect(await between(null, day(2))).toEqual([idOf(1)]);
    expect(await between(day(4), null)).toEqual([idOf(4)]);
    expect(await between(null, null)).toEqual([4, 3, 2, 1].map(idOf));
  });

  it('has those of the wanted result', async () => {
    await putDays(1);
    const of = async (result: 'success' | 'failed') =>
      (await listSessionRecords(repository, { ...ALL, result }, null)).sessions.length;
    expect([await of('success'), await of('failed')]).toEqual([1, 0]);
  });

  it('goes on behind the page before, and names what cannot be read in its place', async () => {
    const days = Array.from({ length: 28 }, (_, n) => n + 1);
    await putDays(...days);
    for (const hour of ['04', '05', '06', '07'])
      for (const n of days) {
        const at = day(n).replace('T02', `T${hour}`);
        await putSession(`nightly-${at.replaceAll(/[-:]/g, '')}`, at, at);
      }
    await putFile(repository, `nightly/sessions/2026/${idOf(28)}.json`, '{');
    await putFile(repository, 'nightly/sessions/2026/notes.txt', 'x');
    await putFile(repository, `nightly/sessions/2026/${idOf(27)}/x`, 'x');
    const first = await listSessionRecords(repository, ALL, null);
    expect(first.sessions).toHaveLength(100);
    expect(first.unreadable.map(({ path }) => path)).toEqual([
      `nightly/sessions/2026/${idOf(28)}.json`,
    ]);
    const second = await listSessionRecords(repository, ALL, first.next);
    expect(second).toMatchObject({ next: null, unreadable: [] });
    expect(second.sessions).toHaveLength(39);
    const ids = [...first.sessions, ...second.sessions].map(({ id }) => id);
    expect(new Set(ids).size).toBe(139);
    expect(ids).toEqual(ids.toSorted().reverse());
  });

  it('is of all jobs of the target where none is asked for, and names the job that it cannot list', async () => {
    await putDays(1);
    await putFile(repository, 'weekly/sessions/2026/x.json', '{');
    const { list } = repository;
    repository.list = (path) =>
      path === 'weekly/sessions'
        ? Promise.reject(new BackupError('REPOSITORY_ACCESS_DENIED', 'permission is denied'))
        : list.call(repository, path);
    const { sessions, unreadable } = await listSessionRecords(
      repository,
      { ...ALL, jobId: null },
      null,
    );
    expect(sessions.map(({ id }) => id)).toEqual([idOf(1)]);
    expect(unreadable.map(({ path }) => path)).toEqual(['weekly/sessions']);
  });

  it('reads one whole, and none by a name that is no session', async () => {
    await putDays(1);
    expect(await readSessionRecord(repository, 'nightly', idOf(1))).toMatchObject({ id: idOf(1) });
    expect(await readSessionRecord(repository, 'nightly', idOf(2))).toBeNull();
    expect(await readSessionRecord(repository, 'nightly', 'nothing')).toBeNull();
  });
});
