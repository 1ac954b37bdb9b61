import { beforeEach, describe, expect, it, vi } from 'vitest';
import {
  lastSessionRecord,
  lastSessionStart,
  readJobDefinition,
  writeJobDefinition,
} from '../../../../src/chain/sessions/session-record.js';
import type { CopyJob } from '../../../../src/domain/jobs/copy-job.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

async function put(path: string, content: string): Promise<void> {
  await repository.makePlace(path.slice(0, path.lastIndexOf('/')));
  await repository.put(path, Buffer.from(content));
}

function definition(change: Record<string, unknown>): string {
  return JSON.stringify({ longhaulJob: 1, job: { ...testJob(), ...change } });
}

describe('the definition of a job beside its data', () => {
  it('is read as it was written', async () => {
    const job: CopyJob = testJob({
      gfs: {
        weekly: { keep: 4, day: 'sunday' },
        monthly: null,
        yearly: { keep: 2, month: 'january' },
        fullMethod: 'synthetic',
      },
    });
    await writeJobDefinition(repository, job);
    expect(await readJobDefinition(repository, 'nightly')).toEqual(job);
    expect(await readJobDefinition(repository, 'weekly')).toBeNull();
  });

  it('is not undone by a session that began before it was changed, and is by the job that has taken its id over', async () => {
    const job = (revision: number, origin: string | undefined): CopyJob => ({
      ...testJob({ revision, name: `revision ${revision}` }),
      ...(origin === undefined ? {} : { origin }),
    });
    const after = async (...jobs: readonly CopyJob[]) => {
      for (const each of jobs) await writeJobDefinition(repository, each);
      return (await readJobDefinition(repository, 'nightly'))?.revision;
    };
    expect(await after(job(3, 'a'), job(2, 'a'))).toBe(3);
    expect(await after(job(4, 'a'))).toBe(4);
    expect(await after(job(1, 'b'))).toBe(1);
    expect(await after(job(7, undefined), job(6, undefined))).toBe(6);
    await put('nightly/job.json', '{');
    expect(await after(job(1, 'b'))).toBe(1);
  });

  it('is written whole by each of two sessions that end at once', async () => {
    const writes = vi.spyOn(repository, 'put');
    await writeJobDefinition(repository, testJob());
    expect(writes.mock.calls.map(([, , options]) => options?.isShared)).toEqual([true]);
  });

  it.each([
    ['is empty', ''],
    ['is cut', '{"longhaulJob":1,'],
    ['is null', 'null'],
    ['is of another version', definition({}).replace('"longhaulJob":1', '"longhaulJob":2')],
    ['has no job', '{"longhaulJob":1}'],
    ['keeps a text of points', definition({ retention: { type: 'days', value: 'seven' } })],
    ['has an unknown day', definition({ gfs: { weekly: { keep: 1, day: 'funday' } } })],
    ['has an unknown zone', definition({ timeZone: 'Mars/Olympus' })],
  ])('is a fault with a code and its path when it %s', async (_, content) => {
    await put('nightly/job.json', content);
    await expect(readJobDefinition(repository, 'nightly')).rejects.toMatchObject({
      code: 'METADATA_CORRUPT',
      details: { path: 'nightly/job.json' },
    });
  });
});

describe('the newest session record of a job', () => {
  const record = (id: string) =>
    JSON.stringify({
      longhaulSession: 1,
      session: { id, result: 'success', endedAt: '2026-11-24T23:00:00.000Z' },
    });

  it('is told with the number of all', async () => {
    await put('nightly/sessions/2025/a.json', record('a'));
    await put('nightly/sessions/2026/b.json', record('b'));
    const found = await lastSessionRecord(repository, 'nightly');
    expect(found).toMatchObject({ count: 2, last: { id: 'b' }, fault: null });
  });

  it.each(['', 'null', '{}', '{"longhaulSession":1,"session":{"id":7}}'])(
    'is a fault, and the others are counted, when it holds %j',
    async (content) => {
      await put('nightly/sessions/2026/a.json', record('a'));
      await put('nightly/sessions/2026/b.json', content);
      expect(await lastSessionRecord(repository, 'nightly')).toMatchObject({
        count: 2,
        last: null,
        fault: { code: 'METADATA_CORRUPT', details: { path: 'nightly/sessions/2026/b.json' } },
      });
    },
  );
});

describe('when the newest session began', () => {
  const last = (until: string) => lastSessionStart(repository, 'nightly', Date.parse(until));

  it('is told by the names of the records, of those that began until then', async () => {
    const names = ['2025/nightly-20251231T235900Z', '2026/nightly-20260102T030000Z'];
    const more = ['2026/nightly-20260101T030000Z', '2036/nightly-20360101T000000Z'];
    for (const name of [...names, ...more]) await put(`nightly/sessions/${name}.json`, '');
    await put('nightly/sessions/2026/nightly-20260103T030000Z/vm.json', '');
    await put('nightly/sessions/2026/notes.json', '');
    expect(await last('2026-02-01T00:00:00Z')).toBe(Date.parse('2026-01-02T03:00:00Z'));
    expect(await last('2026-01-02T03:00:00Z')).toBe(Date.parse('2026-01-02T03:00:00Z'));
    expect(await last('2026-01-01T02:59:59Z')).toBe(Date.parse('2025-12-31T23:59:00Z'));
    expect(await last('2025-12-31T23:58:59Z')).toBeNull();
  });

  it('is told of no job that has no record', async () => {
    expect(await last('2026-02-01T00:00:00Z')).toBeNull();
  });
});
