import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { WorkloadPlan } from '../../../src/domain/sessions/operation.js';
import { composerOf } from '../../../src/image/formats.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import {
  blockOf,
  composeDisk,
  firstDifference,
  guestBytes,
} from '../../support/image/composed-disk.js';
import { libvhdiBytes } from '../../support/image/libvhdi.js';
import { requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { sourceAndTarget } from '../../support/repository/source-and-target.js';

const DAY_MS = 86_400_000;
const NOW_MS = Date.now() + 10 * DAY_MS;
const MACHINE = 'ec04f346-db96-4700-af5b-77b3c56c38bd';
const CHAIN = chainFolder('nightly', `hyperv-${MACHINE}`);
const BLOCK = 65_536;
/** Of `system`, day by day: it grows, stays, shrinks. */
const BLOCK_COUNTS = [40, 70, 70, 33];

describe.skipIf(!requireTool('qemu-img'))('a disk of Hyper-V that is resized', () => {
  let folder: string;
  let primary: BackupRepository;
  let offsite: BackupRepository;
  beforeEach(async () => {
    ({ folder, primary, offsite } = await sourceAndTarget('resized'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const blocksOf = (day: number) =>
    new Map([
      ...Array.from({ length: BLOCK_COUNTS[day]! - 1 }, (_, i) => [i, blockOf(i)] as const),
      [day, blockOf(1_000 + day)],
    ]);

  async function put(day: number, within: string, bytes: Uint8Array): Promise<void> {
    const path = join(folder, 'primary', `day-${day}`, 'web01', within);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    const date = new Date(NOW_MS - (20 - day) * DAY_MS);
    await utimes(path, date, date);
  }

  async function exported(
    day: number,
    format: string,
    names: readonly string[] = ['system', 'data'],
  ): Promise<void> {
    await put(day, `Virtual Machines/${MACHINE}.vmcx`, Buffer.from(`day ${day}`));
    const seed = `${day}`.repeat(32);
    const system = { virtualSizeBytes: BLOCK_COUNTS[day]! * BLOCK, blocks: blocksOf(day) };
    const data = { virtualSizeBytes: 3 * BLOCK, blocks: new Map([[1, blockOf(7 + day)]]) };
    for (const [name, disk] of Object.entries({ system, data })) {
      if (!names.includes(name)) continue;
      const { bytes } = await composeDisk(composerOf(format), { ...disk, dialect: {}, seed });
      await put(day, `Virtual Hard Disks/${name}.${format}`, bytes);
    }
  }

  async function planned(job = testJob()): Promise<WorkloadPlan> {
    const mover = new InProcessMover(primary, offsite);
    const look = { job, immutableForDays: 0, nowMs: NOW_MS, settleMs: {}, after: null };
    return (await mover.run('planJob', look)).workloads[0]!;
  }

  it.each(['vhd', 'vhdx'])(
    'begins anew as a full, for a differencing %s has the size of its parent',
    async (format) => {
      for (const day of BLOCK_COUNTS.keys()) await exported(day, format);
      const job = testJob({ retention: { type: 'restorePoints', value: 99 } });
      await new LocalSessions([primary, offsite]).copy(job, NOW_MS);
      const { points } = (await readChainRecord(offsite, CHAIN))!;
      const kindsOf = (name: string) =>
        points.map(({ disks }) => disks.find(({ disk }) => disk === name)?.kind);
      expect(kindsOf('data')).toEqual(['full', 'increment', 'increment', 'increment']);
      expect(kindsOf('system')).toEqual(['full', 'full', 'increment', 'full']);
      for (const day of BLOCK_COUNTS.keys()) {
        const files = points
          .slice(0, day + 1)
          .reverse()
          .map(({ disks }) => disks.find(({ disk }) => disk === 'system')!);
        const count = files.findIndex(({ kind }) => kind === 'full') + 1;
        const paths = files.slice(0, count).map(({ path }) => join(folder, 'offsite', CHAIN, path));
        const expected = guestBytes(BLOCK_COUNTS[day]! * BLOCK, blocksOf(day));
        expect(firstDifference(await libvhdiBytes(...paths), expected), `${day}`).toBeNull();
      }
    },
  );

  it('is called a full by its session, and by the plan before it, where nothing of the point is an increment', async () => {
    await exported(0, 'vhdx', ['system']);
    const sessions = new LocalSessions([primary, offsite]);
    await sessions.copy(testJob(), NOW_MS);
    const said: unknown[] = [];
    for (const day of [1, 2]) {
      await exported(day, 'vhdx', ['system']);
      const plan = await planned();
      const { tasks } = await sessions.copy(testJob(), NOW_MS);
      said.push([plan.algorithm, tasks.map(({ algorithm }) => algorithm)]);
    }
    expect(said).toEqual([
      ['full', ['full']],
      ['increment', ['increment']],
    ]);
  });

  it.each([
    [['system'], [true, false, true]],
    [
      ['system', 'data'],
      [false, false, false],
    ],
  ] as const)(
    'is planned in a backlog of %j as the session then keeps it',
    async (names, isKeptAsFull) => {
      const job = testJob({ retention: { type: 'restorePoints', value: 2 } });
      await exported(0, 'vhdx', names);
      const sessions = new LocalSessions([primary, offsite]);
      await sessions.copy(job, NOW_MS);
      for (const day of [1, 2, 3]) await exported(day, 'vhdx', names);
      const { reasons, retention } = await planned(job);
      expect(reasons.map((reason) => reason.includes('kept as a full'))).toEqual(isKeptAsFull);
      await sessions.copy(job, NOW_MS);
      const { points } = (await readChainRecord(offsite, CHAIN))!;
      expect(retention.keep.map(({ id }) => id)).toEqual(points.map(({ id }) => id));
    },
  );

  it('is gone on with where its copy was stopped, when nothing of the point is an increment', async () => {
    await exported(0, 'vhdx', ['system']);
    await new LocalSessions([primary, offsite]).copy(testJob(), NOW_MS);
    await exported(1, 'vhdx', ['system']);
    const { epoch } = (await readChainRecord(offsite, CHAIN))!;
    const mover = new InProcessMover(primary, offsite);
    const place = {
      ...{ sourceRepositoryId: 'primary', targetRepositoryId: 'offsite', chain: CHAIN },
      workloadId: `hyperv-${MACHINE}`,
    };
    const work = { job: testJob(), scope: 'all', activeFull: false, epoch } as const;
    const { selection } = await mover.run('selectWork', { ...place, ...work });
    const order = {
      ...{ ...place, ...selection.points[0]!, epoch },
      ...({ digest: 'sha256', verifyAfterCopy: 'cached' } as const),
    };
    const scan = await mover.run('planCopy', order);
    expect([scan.state, selection.points[0]!.kind]).toEqual(['scan', 'increment']);
    const staging = `${CHAIN}/.staging/${scan.pointId}`;
    for (const { disk, windowCount } of scan.disks)
      await mover.runWindows(
        'scanBlocks',
        { targetRepositoryId: 'offsite', staging, reference: scan.reference, disk },
        [{ first: 0, count: windowCount }],
      );
    const plan = await mover.run('planCopy', order);
    expect(plan).toMatchObject({ state: 'ready', kind: 'full' });
    expect(await mover.run('planCopy', order)).toEqual(plan);
  });
});
