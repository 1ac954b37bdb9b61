import { beforeEach, expect, it } from 'vitest';
import { listSessionRecords } from '../../../../src/chain/sessions/session-list.js';
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
