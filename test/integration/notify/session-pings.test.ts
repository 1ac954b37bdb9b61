import { mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { Receiver } from '../../support/notify/receiver.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T22:00:00Z');

describe('a check of a job', () => {
  let folder: string;
  let site: TestSite;
  let receiver: Receiver;
  let sessions: LocalSessions;
  let beforeActivity: (name: string) => void;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'longhaul-pings-'));
    site = await TestSite.create();
    beforeActivity = () => undefined;
    receiver = await Receiver.start();
    const urlFile = join(folder, 'url');
    await writeFile(urlFile, receiver.url('/uuid'));
    const check = { id: 'check', kind: 'ping', urlFile, job: testJob().id } as const;
    sessions = new LocalSessions(
      await Promise.all(
        ['primary', 'offsite'].map((id) =>
          openDirectoryRepository({ id, rootPath: site.path(id), readOnly: id === 'primary' }),
        ),
      ),
      {
        settings: { pingedJobs: [testJob().id] },
        beforeActivity: (name) => Promise.resolve(beforeActivity(name)),
        notifications: { watchSeconds: 300, holdSeconds: 300, channels: [check] },
      },
    );
  });
  afterEach(async () => {
    await receiver.close();
    await site.remove();
    await rm(folder, { recursive: true });
  });

  const told = () =>
    receiver.received.map(({ path, body }) => [path.replace(/\?rid=.+$/, ''), body]);

  it('is told of a session that copied, of one that failed, and of no other job', async () => {
    await sessions.copy(testJob(), NOW_MS);
    expect(told()).toEqual([
      ['/uuid/start', ''],
      ['/uuid', 'success'],
    ]);
    const [start, end] = receiver.received.map(({ path }) => /rid=(.+)$/.exec(path)?.[1]);
    expect(start).toBe(end);
    await sessions.copy(testJob({ id: 'other' }), NOW_MS);
    expect(told()).toHaveLength(2);
    await rename(site.path('primary'), site.path('away'));
    await sessions.tryToCopy(testJob(), NOW_MS + 3_600_000);
    expect(
      told()
        .slice(2)
        .map(([path]) => path),
    ).toEqual(['/uuid/start', '/uuid/fail']);
    expect(told().at(-1)?.[1]).toContain('primary');
  });

  it('is told of failure by a session whose source is not mounted', async () => {
    // What is under the place of a mount is an empty folder.
    for (const name of await readdir(site.path('primary')))
      await rm(join(site.path('primary'), name), { recursive: true });
    expect((await sessions.copy(testJob(), NOW_MS)).result).toBe('warning');
    expect(told().map(([path]) => path)).toEqual(['/uuid/start', '/uuid/fail']);
  });

  it('does not hold up a session when nobody answers', async () => {
    receiver.answers = [500, 500, 500, 404, 404, 404];
    expect((await sessions.copy(testJob(), NOW_MS)).result).toBe('success');
  });

  it('that does not answer keeps no session from being stopped', async () => {
    receiver.answers = [500];
    const workflowId = sessionWorkflowId(testJob().id, NOW_MS);
    beforeActivity = (name) => void (name === 'enumerateWorkloads' && sessions.stop(workflowId));
    // Nobody waits for the call of the start: what it rejected with would end the workflow task again and again.
    const unheld: unknown[] = [];
    const note = (reason: unknown) => void unheld.push(reason);
    process.on('unhandledRejection', note);
    const { result } = await sessions.tryToCopy(testJob(), NOW_MS);
    process.off('unhandledRejection', note);
    expect({ result, unheld }).toEqual({ result: 'stopped', unheld: [] });
    expect(told().map(([path]) => path)).toEqual(['/uuid/fail']);
  });
});
