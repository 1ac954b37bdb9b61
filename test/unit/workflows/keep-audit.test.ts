import { expect, it } from 'vitest';
import type { Activities } from '../../../activities/activities.js';
import { createAuditActivities } from '../../../activities/watch/audit-activities.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { PlacedLine } from '../../../src/domain/access/audit.js';
import { readAuditLines } from '../../../src/audit/audit-log.js';
import { runTask } from '../../../activities/running/run-task.js';
import { markRepository } from '../../../src/repository/repository-marker.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import type { DataMover } from '../../../src/mover/data-mover.js';
import { inActivity } from '../../support/activities/in-activity.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalServer } from '../../support/workflows/local-server.js';

const MINUTE_MS = 60_000;
const STARTED_AT_MS = Date.parse('2026-11-26T22:00:00Z');

function line(id: string, jobId: string | null = 'nightly'): PlacedLine {
  return {
    ...{ id, at: '2026-11-26T22:00:00.000Z', who: 'anna', role: 'operator', subject: null },
    ...{ operation: 'startJob', path: '/jobs/nightly/start', outcome: 'done' },
    ...{ before: null, after: null, jobId },
  };
}

it('audit lines wait, longer each time, for a target that takes none, and are written when it does', async () => {
  const tries: number[] = [];
  const written: string[] = [];
  const appendAudit = ({ lines }: { lines: readonly PlacedLine[] }) =>
    runTask(async () => {
      tries.push((server.nowMs - STARTED_AT_MS) / MINUTE_MS);
      if (tries.length < 9) throw new BackupError('REPOSITORY_READ_ONLY', 'mounted read-only');
      written.push(...lines.map(({ id }) => id));
      return Promise.resolve();
    });
  const server = new LocalServer(
    {
      activities: { appendAudit } as unknown as Activities,
      activity: '',
      isDead: () => false,
    },
    STARTED_AT_MS,
  );
  server.begin('keepAudit', 'audit/offsite', { repositoryId: 'offsite', waiting: [line('a')] });
  await server.end('audit/offsite');
  expect(written).toEqual(['a']);
  expect(tries).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183]);
});

it('audit lines wait in new runs for a target that does not answer for days', async () => {
  const written: string[] = [];
  const appendAudit = ({ lines }: { lines: readonly PlacedLine[] }) =>
    runTask(async () => {
      if (server.nowMs < STARTED_AT_MS + 10 * 24 * 60 * MINUTE_MS)
        throw new BackupError('REPOSITORY_UNREACHABLE', 'no answer');
      written.push(...lines.map(({ id }) => id));
      return Promise.resolve();
    });
  const activities = { appendAudit } as unknown as Activities;
  const server = new LocalServer({ activities, activity: '', isDead: () => false }, STARTED_AT_MS);
  server.longAtEvents = 200;
  server.begin('keepAudit', 'audit/offsite', { repositoryId: 'offsite', waiting: [line('a')] });
  await server.end('audit/offsite');
  expect(written).toEqual(['a']);
  expect(server.runLengths('audit/offsite').length).toBeGreaterThan(1);
});

it('audit lines of one job whose folder takes none keep those of no other from being written', async () => {
  const repository = new SimulatedRepository('offsite');
  await markRepository(repository);
  await repository.makePlace('nightly/.audit');
  const { list } = repository;
  repository.list = async (path) => {
    if (path === 'nightly/.audit') throw new BackupError('REPOSITORY_ACCESS_DENIED', 'denied');
    return list.call(repository, path);
  };
  const mover = new InProcessMover(repository) as Pick<DataMover, keyof DataMover> as DataMover;
  const { appendAudit } = createAuditActivities({ mover });
  const lines = [line('a'), line('b', 'weekly')];
  await expect(inActivity(appendAudit, { repositoryId: 'offsite', lines })).rejects.toThrow(
    'denied',
  );
  expect((await readAuditLines(repository, 'weekly')).map(({ id }) => id)).toEqual(['b']);
});
