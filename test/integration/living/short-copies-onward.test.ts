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
  nowMs += HOUR_MS;
  const open = (repository: string) =>
    openDirectoryRepository({
      ...{ id: repository, rootPath: join(folder, repository) },
      readOnly: repository === 'primary',
    });
  const repositories = [await open('primary'), await open('offsite'), await open('vault')];
  const ends = {
    nightly: {},
    onward: {
      sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
      target: { repositoryId: 'vault' },
    },
  };
  const job = testJob({
    ...{ id, restorePoints: 'all', onSourceChainRecreated: 'startNewChain' },
    retention: { type: 'restorePoints', value: 100 },
    ...ends[id],
    ...changes,
  });
  return new LocalSessions(repositories, { immutableForDays }).copy(job, nowMs);
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

  it('is not made where the first copy is known to be short', async () => {
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
