/** A restore point that was copied too early, and copied on before anybody knew. */

import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import { CopiesInFolder } from '../../support/living/copies-in-folder.js';
import { BLOCK_BYTES, BLOCKS, LibvirtMachine } from '../../support/living/libvirt-machine.js';
import { fillsOf } from '../../support/living/source-history.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import type { WorkerOptions } from '../../support/workflows/local-worker.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_MS = Date.UTC(2026, 9, 1, 20);
const FIRST = new Date(FIRST_MS).toISOString();

let folder: string;
let nowMs: number;
let machine: LibvirtMachine;
let immutableForDays: number;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-short-'));
  for (const id of ['primary', 'offsite', 'vault']) await mkdir(join(folder, id));
  await writeFile(join(folder, 'live.raw'), Buffer.alloc(BLOCKS * BLOCK_BYTES));
  machine = new LibvirtMachine(join(folder, 'primary'), join(folder, 'live.raw'));
  nowMs = FIRST_MS;
  immutableForDays = 0;
  await machine.full(nowMs);
});
afterEach(() => rm(folder, { recursive: true }));

const COPIES = { nightly: ['offsite', 'nightly'], onward: ['vault', 'onward'] } as const;
type JobId = keyof typeof COPIES;

async function run(id: JobId, changes: Partial<CopyJob> = {}): Promise<CopySessionOutcome> {
  return (await sessions()).copy(jobOf(id, changes), (nowMs += HOUR_MS));
}

async function sessions(options: WorkerOptions = {}): Promise<LocalSessions> {
  const open = (repository: string) =>
    openDirectoryRepository({
      ...{ id: repository, rootPath: join(folder, repository) },
      readOnly: repository === 'primary',
    });
  const repositories = [await open('primary'), await open('offsite'), await open('vault')];
  return new LocalSessions(repositories, { immutableForDays, ...options });
}

function jobOf(id: JobId, changes: Partial<CopyJob>): CopyJob {
  const ends = {
    nightly: {},
    onward: {
      sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
      target: { repositoryId: 'vault' },
    },
  };
  return testJob({
    ...{ id, restorePoints: 'all', onSourceChainRecreated: 'startNewChain' },
    retention: { type: 'restorePoints', value: 100 },
    ...ends[id],
    ...changes,
  });
}

/** The copy of the newest backup is found to be too short, and the backup is gone before it is copied again. */
async function loseGrown(): Promise<void> {
  await machine.growNewest(9);
  const stopped = await sessions(givenUpBefore('commitRestorePoint'));
  await stopped.tryToCopy(jobOf('nightly', {}), (nowMs += HOUR_MS));
  await machine.removeAll();
}

/** A worker that dies before a step. */
function givenUpBefore(step: string): WorkerOptions {
  const giveUp = () => Promise.reject(new Error('given up'));
  return { beforeActivity: (name) => (name === step ? giveUp() : Promise.resolve()) };
}

/** A worker that dies when a step has ended. */
function givenUpAfter(step: string): WorkerOptions {
  let isDone = false;
  return {
    beforeActivity: (name) => {
      if (isDone) return Promise.reject(new Error('given up'));
      isDone = name === step;
      return Promise.resolve();
    },
  };
}

async function pointsOf(id: JobId): Promise<readonly TargetRestorePoint[]> {
  const chain = await copiesOf(id).chain('libvirt-');
  if (chain === null) return [];
  const text = await readFile(join(chain, 'chain.json'), 'utf8');
  return (JSON.parse(text) as { record: { points: TargetRestorePoint[] } }).record.points;
}

function copiesOf(id: JobId): CopiesInFolder {
  return new CopiesInFolder(join(folder, ...COPIES[id]), join(folder, 'shown.raw'));
}

/** Of each point its date, whether it is known to be short, and what qemu-img reads from it. */
async function shown(id: JobId) {
  const copies = copiesOf(id);
  const chain = (await copies.chain('libvirt-'))!;
  const points = [];
  for (const { createdAt, source, disks } of await pointsOf(id))
    points.push({
      createdAt,
      isShort: source.judged?.verdict === 'grown',
      fills: fillsOf(await copies.shown(join(chain, disks[0]!.path))),
    });
  return points;
}

const whole = (at: number) => {
  const backup = machine.backups[at]!;
  const createdAt = new Date(backup.createdAtMs).toISOString();
  return { createdAt, isShort: false, fills: [...machine.shows(backup)] };
};

async function nextDay(): Promise<void> {
  nowMs = FIRST_MS + Math.ceil((nowMs - FIRST_MS) / DAY_MS) * DAY_MS;
  machine.work([[1, nowMs % 199]]);
  await machine.increment(nowMs);
}

describe('a copy of a copy that was taken too early', () => {
  it('gives way to the whole one', async () => {
    await run('nightly');
    await run('onward');
    await machine.growNewest(9);
    await run('nightly');
    expect((await run('onward')).result).toBe('success');
    expect(await shown('onward')).toEqual([whole(0)]);
    await nextDay();
    await run('nightly');
    expect((await run('onward')).result).toBe('success');
    expect(await shown('onward')).toEqual([whole(0), whole(1)]);
  });

  it('is known for what it is as long as it has to stay, and gives way then', async () => {
    immutableForDays = 30;
    await run('nightly');
    await run('onward');
    const before = (await shown('onward'))[0]!;
    await machine.growNewest(9);
    await run('nightly');
    expect((await run('onward')).result).toBe('success');
    expect(await shown('onward')).toEqual([{ ...before, isShort: true }, whole(0)]);
    nowMs += 60 * DAY_MS;
    await nextDay();
    for (const id of ['nightly', 'onward', 'onward'] as const) await run(id);
    expect(await shown('onward')).toEqual([whole(0), whole(1)]);
  });

  it('is copied again also where a newer point is there by then, and the newest alone is wanted', async () => {
    immutableForDays = 30;
    const latest = { restorePoints: 'latest' } as const;
    await run('nightly', latest);
    await run('onward', latest);
    const before = (await shown('onward'))[0]!;
    await machine.growNewest(9);
    await run('nightly', latest);
    await nextDay();
    await run('nightly', latest);
    expect((await run('onward', latest)).result).toBe('success');
    expect(await shown('onward')).toEqual([{ ...before, isShort: true }, whole(0), whole(1)]);
  });

  it.each(['all', 'latest'] as const)(
    'is made where nothing else is left of the backup, says what it is, and is built on by none (%s)',
    async (restorePoints) => {
      await run('nightly');
      await loseGrown();
      const first = (await shown('nightly'))[0]!;
      expect(first.isShort).toBe(true);
      const { result, tasks } = await run('onward', { restorePoints });
      expect(result).toBe('warning');
      expect(JSON.stringify(tasks)).toContain('were written after it was copied');
      expect(await shown('onward')).toEqual([first]);
      const again = await run('onward', { restorePoints });
      expect(JSON.stringify(again.tasks)).toContain('because the source has no whole one');
      expect(await shown('onward')).toEqual([first]);
      nowMs = FIRST_MS + DAY_MS;
      machine.work([[1, 5]]);
      await machine.full(nowMs);
      await run('nightly');
      await run('onward', { restorePoints });
      expect(await shown('onward')).toEqual([first, whole(0)]);
      expect((await pointsOf('onward')).map(({ kind }) => kind)).toEqual(['full', 'full']);
    },
  );

  it('says what it is also where it was planned while the backup passed for whole', async () => {
    await run('nightly');
    const stopped = await sessions(givenUpBefore('commitRestorePoint'));
    await stopped.tryToCopy(jobOf('onward', {}), (nowMs += HOUR_MS));
    await loseGrown();
    // Its commit says so, and not only the look of the session after it.
    const committed = await sessions(givenUpAfter('commitRestorePoint'));
    await committed.tryToCopy(jobOf('onward', {}), (nowMs += HOUR_MS));
    expect(await shown('onward')).toEqual(await shown('nightly'));
    expect((await shown('onward')).map(({ isShort }) => isShort)).toEqual([true]);
  });

  it('is made beside the newest whole one, which is not built on it', async () => {
    await run('nightly');
    await nextDay();
    await run('nightly');
    const [older] = [whole(0)];
    await loseGrown();
    const newest = (await shown('nightly'))[1]!;
    await run('onward', { restorePoints: 'latest' });
    expect(await shown('onward')).toEqual([older, newest]);
    expect(newest.isShort).toBe(true);
    nowMs = FIRST_MS + 2 * DAY_MS;
    await machine.full(nowMs);
    for (const id of ['nightly', 'onward'] as const) await run(id);
    expect(await shown('onward')).toEqual([older, newest, whole(0)]);
  });

  it('is not made where the first copy is known to be short, and whole by now', async () => {
    immutableForDays = 30;
    await run('nightly');
    await machine.growNewest(9);
    await run('nightly');
    expect((await pointsOf('nightly')).map(({ createdAt }) => createdAt)).toEqual([FIRST, FIRST]);
    const { result, tasks } = await run('onward');
    expect(result).toBe('success');
    expect(JSON.stringify(tasks)).toContain('it was taken too early');
    expect(await shown('onward')).toEqual([whole(0)]);
  });
});
