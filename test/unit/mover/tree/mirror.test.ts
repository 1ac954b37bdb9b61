import { mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../../src/chain/chain-paths.js';
import type { CopyJob, StartOverrides } from '../../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../../src/repository/directory/directory-repository.js';
import { readTreeRecord } from '../../../../src/tree/tree-store.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { denied } from '../../../support/tree/storage-answers.js';
import { DAY_MS, filesBelow, START_MS } from '../../../support/tree/tree-world.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

const JOB = testJob({ kind: 'mirror', retention: { type: 'days', value: 21 }, compact: null });
const TREE = chainFolder(JOB.id, 'storeonce-primary');
const MINUTE_MS = 60_000;

let root: string;
let target: SimulatedRepository;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'longhaul-mirror-'));
  target = new SimulatedRepository('offsite');
});
afterEach(() => rm(root, { recursive: true }));

/** A file of the share that was written last at a time. */
async function write(path: string, atMs: number, content = path): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content);
  await utimes(join(root, path), atMs / 1000, atMs / 1000);
}

async function mirror(nowMs: number, job: CopyJob = JOB, overrides: StartOverrides = {}) {
  const rootPath = root;
  const source = await openDirectoryRepository({
    ...{ id: 'primary', rootPath, readOnly: true, isOpaque: true },
  });
  const sessions = new LocalSessions([source, target], { settleMs: 10 * MINUTE_MS });
  return sessions.tryToCopy(job, nowMs, overrides);
}

async function copied(): Promise<string[]> {
  return [...(await filesBelow(target, `${TREE}/files`)).keys()].sort();
}

async function points() {
  const record = await readTreeRecord(target, TREE);
  return record!.points.map(({ createdAt, fileCount }) => [createdAt, fileCount]);
}

// The first one bundles the workflows.
describe('a mirror of an appliance', () => {
  it('copies every file there is, whatever its name, as one restore point', async () => {
    const names = [
      '.odd',
      'Job 1/full.vbk',
      'Job 1/tree.json',
      'catalyst/0001',
      'config',
      'data/ab',
    ];
    for (const [index, name] of names.entries()) await write(name, START_MS - index * DAY_MS);
    const { result, tasks } = await mirror(START_MS + DAY_MS);
    expect({ result, tasks }).toMatchObject({
      result: 'success',
      tasks: [{ workload: 'primary', committed: ['2026-11-25T000000Z'] }],
    });
    expect(await copied()).toEqual(names);
    expect((await filesBelow(target, `${TREE}/files`)).get('catalyst/0001')?.toString()).toBe(
      'catalyst/0001',
    );
    expect(await points()).toEqual([['2026-11-25T00:00:00.000Z', 6]]);
    expect((await mirror(START_MS + 2 * DAY_MS)).result).toBe('nothingToCopy');
  });

  it('does not forget with the next file what of the copy a health check found damaged', async () => {
    await write('full.vbk', START_MS, 'x'.repeat(9 * 1024 ** 2));
    await mirror(START_MS + DAY_MS);
    const path = `${TREE}/files/full.vbk`;
    await target.put(path, Buffer.alloc(9 * 1024 ** 2, 'y'));
    const source = await openDirectoryRepository({
      ...{ id: 'primary', rootPath: root, readOnly: true, isOpaque: true },
    });
    source.openRead = (asked) => Promise.reject(denied(asked));
    await new LocalSessions([source, target]).verify('offsite', START_MS + 1.5 * DAY_MS);
    const health = async () =>
      (await readTreeRecord(target, TREE))!.points.map((point) => point.health);
    expect(await health()).toEqual(['corrupt']);
    await write('next.vib', START_MS + 1.5 * DAY_MS);
    await mirror(START_MS + 2 * DAY_MS);
    expect(await points()).toEqual([['2026-11-26T12:00:00.000Z', 2]]);
    expect(await health()).toEqual(['corrupt']);
  });

  it('copies what is closed, names what is open, and copies that when it is closed', async () => {
    await write('old.vbk', START_MS - DAY_MS);
    await write('closed.vib', START_MS - 11 * MINUTE_MS);
    await write('open.vib', START_MS - 9 * MINUTE_MS);
    const first = await mirror(START_MS);
    expect(first).toMatchObject({ result: 'success' });
    expect(first.tasks[0]!.notes.join('\n')).toContain(
      '"open.vib" waits: it was written to at 2026-11-24T23:51:00.000Z and may not be finished',
    );
    expect(await copied()).toEqual(['closed.vib', 'old.vbk']);
    expect(await points()).toEqual([['2026-11-24T23:49:00.000Z', 2]]);
    const again = await mirror(START_MS + 30_000);
    expect(again.tasks[0]).toMatchObject({
      result: 'nothingToCopy',
      reason: expect.stringContaining('but for 1 file that may not be finished'),
    });
    await mirror(START_MS + 2 * MINUTE_MS);
    expect(await copied()).toEqual(['closed.vib', 'old.vbk', 'open.vib']);
    expect(await points()).toEqual([['2026-11-24T23:51:00.000Z', 3]]);
  });

  it('has a new state when a file comes with an old date', async () => {
    await write('a', START_MS - DAY_MS);
    await mirror(START_MS);
    await write('moved here', START_MS - 9 * DAY_MS);
    expect((await mirror(START_MS + DAY_MS)).tasks[0]!.committed).toHaveLength(1);
    expect(await points()).toEqual([['2026-11-24T00:00:00.000Z', 2]]);
  });

  it('keeps what the source removed until 21 days after it was made, and a day in any case', async () => {
    await write('young', START_MS - 5 * DAY_MS);
    await write('old', START_MS - 30 * DAY_MS);
    for (const name of ['stays', 'too', 'newest']) await write(name, START_MS);
    await mirror(START_MS + DAY_MS);
    await rm(join(root, 'young'));
    await rm(join(root, 'old'));
    await mirror(START_MS + 2 * DAY_MS);
    expect(await copied()).toEqual(['newest', 'old', 'stays', 'too', 'young']);
    await write('day 4', START_MS + 4 * DAY_MS);
    await mirror(START_MS + 5 * DAY_MS);
    expect(await copied()).toEqual(['day 4', 'newest', 'stays', 'too', 'young']);
    await write('day 14', START_MS + 14 * DAY_MS);
    await mirror(START_MS + 15 * DAY_MS);
    expect(await copied()).toContain('young');
    await write('day 16', START_MS + 16 * DAY_MS);
    await mirror(START_MS + 17 * DAY_MS);
    expect(await copied()).not.toContain('young');
  });

  it('stops before an emptied or overwritten source is replayed', async () => {
    for (const name of ['a', 'b', 'c', 'd', 'e']) await write(name, START_MS - DAY_MS);
    await mirror(START_MS);
    for (const name of ['a', 'b', 'c', 'd']) await write(name, START_MS, `${name} in other words`);
    const { result, tasks } = await mirror(START_MS + DAY_MS);
    expect({ result, tasks }).toMatchObject({
      ...{ result: 'actionRequired', tasks: [{ code: 'SOURCE_SUSPICIOUS' }] },
    });
    const files = await filesBelow(target, `${TREE}/files`);
    expect([...files.values()].map(String).sort()).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('is passed over by a copy job, which names what copies it', async () => {
    await write('full.vmdk', START_MS - DAY_MS);
    const { result, tasks } = await mirror(START_MS, { ...JOB, kind: 'copy' });
    expect({ result, tasks }).toMatchObject({
      result: 'nothingToCopy',
      tasks: [{ workload: 'primary', reason: expect.stringContaining('POST /mirror-jobs') }],
    });
  });
});
