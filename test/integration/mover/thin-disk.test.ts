import { beforeAll, describe, expect, it } from 'vitest';
import { chainFolder, diskPath } from '../../../src/chain/chain-paths.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { threadOperation } from '../../../src/mover/mover-operations.js';
import { TaskControl, TaskStopped } from '../../../src/mover/task/task-control.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { jobOf } from '../../support/kill-table/scenarios.js';
import {
  diskId,
  KIB,
  makeThinChain,
  MIB,
  noise,
  withFirstPoints,
  type SourceChain,
} from '../../support/kill-table/source-chain.js';
import { requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import {
  THIN_DISK_BYTES,
  THIN_FULLS,
  THIN_INCREMENT,
  THIN_PLACES,
  thinDay,
  TIB,
} from '../../support/mover/thin-days.js';
import { CallCounter } from '../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { workflowBundle } from '../../support/workflows/workflow-sandbox.js';
import { windowRuns } from '../../../src/mover/task/window-runs.js';

/** The bound of issue 10 is 2 s on a quiet machine; processor time does not count what others take. */
const MAX_CPU_SECONDS = 2;
const DISK = diskId('system');

/** @returns seconds of processor time that `work` took */
async function cpuSeconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

let sessions = 0;

async function chainOf({ repository }: SourceChain): Promise<string> {
  const [workload] = await listSourceWorkloads(repository);
  return chainFolder('nightly', workload!.id);
}

/** The newest point of the chain as a raw disk. */
async function restoreRaw(
  target: SimulatedRepository,
  chain: string,
): Promise<{ restored: SimulatedRepository; windowCount: number }> {
  const destinationPath = '/restored';
  const restored = new SimulatedRepository(folderRepositoryId(destinationPath));
  const mover = new InProcessMover(target, restored);
  const pointId = availablePoints((await readChainRecord(target, chain))!).at(-1)!.id;
  const input = {
    ...{ repositoryId: target.id, chain, pointId, destinationPath, format: 'raw' as const },
    ...{ disks: null, intoExisting: false, leaseId: 'lease', nowMs: NOW_MS },
  };
  const { reference, disks } = await mover.run('prepareRestore', input);
  const staging = `.longhaul-restore-${pointId}`;
  for (const { disk, windowCount } of disks) {
    const work = { targetRepositoryId: restored.id, staging, reference, disk };
    await mover.runWindows('restoreRaw', work, windowRuns(0, windowCount));
  }
  await mover.run('finishRestore', { ...input, reference });
  return { restored, windowCount: disks.reduce((sum, { windowCount }) => sum + windowCount, 0) };
}

// Not counted: what it takes to load the workflows.
beforeAll(async () => {
  await workflowBundle();
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  await new LocalSessions([source, target]).tryToCopy(jobOf(), NOW_MS);
});

/** Work on a disk of 64 TiB goes by the MiB that it holds. */
describe.skipIf(!requireTool('qemu-img'))('a disk of 64 TiB with 1 MiB of data', () => {
  let chain: SourceChain;
  let fulls: SourceChain;
  beforeAll(() => {
    chain = makeThinChain(THIN_INCREMENT);
    fulls = makeThinChain(THIN_FULLS);
  });

  async function copied(source: SourceChain, count: number) {
    const target = new SimulatedRepository('offsite');
    const copy = async (points: number, job = jobOf()): Promise<void> => {
      const from = await withFirstPoints(source, points);
      await new LocalSessions([from, target]).copy(job, NOW_MS + sessions++ * 3_600_000);
    };
    await copy(count);
    const folder = await chainOf(source);
    const points = async () => availablePoints((await readChainRecord(target, folder))!);
    return { target, copy, points, chain: folder };
  }

  it('is copied within the bound', async () => {
    expect(await cpuSeconds(() => copied(chain, 1))).toBeLessThan(MAX_CPU_SECONDS);
  });

  it('is compared by digest within the bound, and only what differs is copied', async () => {
    const { copy, points } = await copied(fulls, 1);
    expect(await cpuSeconds(() => copy(2))).toBeLessThan(MAX_CPU_SECONDS);
    const newest = (await points()).at(-1)!;
    expect(newest.kind).toBe('increment');
    // One block, and of tables: header, L2, 16 clusters of L1, counts and their table.
    expect(newest.disks[0]!.sizeBytes).toBe((1 + 1 + 1 + 16 + 1 + 1) * 64 * KIB);
  });

  it('is merged within the bound', async () => {
    const { copy, points } = await copied(chain, 2);
    const merge = () => copy(2, jobOf(1));
    expect(await cpuSeconds(merge)).toBeLessThan(MAX_CPU_SECONDS);
    expect((await points()).map(({ kind }) => kind)).toEqual(['full']);
  });

  it('gets a synthetic full within the bound', async () => {
    const { copy, points } = await copied(chain, 2);
    const makeFull = () => copy(2, jobOf(99, 'monday'));
    expect(await cpuSeconds(makeFull)).toBeLessThan(MAX_CPU_SECONDS);
    expect((await points()).map(({ kind }) => kind)).toEqual(['full', 'full']);
  });

  it('is verified within the bound', async () => {
    const { target, chain: folder, points } = await copied(chain, 1);
    const mover = new InProcessMover(target);
    const input = {
      ...{ targetRepositoryId: target.id, chain: folder, nowMs: NOW_MS },
      pointId: (await points())[0]!.id,
    };
    const verify = async (): Promise<void> => {
      const { disks } = await mover.run('prepareVerification', input);
      for (const { disk, windowCount } of disks) {
        const windows = windowRuns(0, windowCount);
        await mover.runWindows('verifyBlocks', { ...input, disk }, windows);
      }
      expect(await mover.run('collectDamage', { ...input, disks })).toMatchObject({ damage: [] });
    };
    expect(await cpuSeconds(verify)).toBeLessThan(MAX_CPU_SECONDS);
  });

  it('has a block healed within the bound', async () => {
    const { target, chain: folder, points } = await copied(chain, 1);
    const [point] = await points();
    const file = await target.openWrite(
      `${folder}/${diskPath(point!.id, DISK, 'qcow2')}`,
      'existing',
    );
    await file.write(Buffer.from('damaged'), 64 * KIB + 100);
    const mover = new InProcessMover(chain.repository, target);
    const { epoch } = (await readChainRecord(target, folder))!;
    const place = { targetRepositoryId: target.id, chain: folder, epoch, disk: DISK };
    const heal = async (): Promise<void> => {
      const healed = await mover.run('healDisk', { ...place, pointId: point!.id, units: [1] });
      expect(healed.remaining).toEqual([]);
    };
    expect(await cpuSeconds(heal)).toBeLessThan(MAX_CPU_SECONDS);
  });

  it('is restored raw within the bound', async () => {
    const { target, chain: folder } = await copied(chain, 2);
    let restored!: SimulatedRepository;
    const restore = async () => void ({ restored } = await restoreRaw(target, folder));
    expect(await cpuSeconds(restore)).toBeLessThan(MAX_CPU_SECONDS);
    const raw = await restored.openRead(`${DISK}.raw`);
    expect((await raw.stamp()).sizeBytes).toBe(THIN_DISK_BYTES);
    const piece = Buffer.alloc(64 * KIB);
    for (const [n, at] of THIN_PLACES.entries()) {
      await raw.read(piece, at);
      expect(piece.equals(noise(1 + n, 64 * KIB))).toBe(true);
    }
  });
});

/** Each L2 table of qcow2 stands for 512 MiB of the disk, of which the copy holds one block here: what goes window by window through what a table may
 *  hold has 64 windows for each block. */
describe.skipIf(!requireTool('qemu-img'))('a disk with a block in each of 16 tables', () => {
  const TABLES = 16;
  const WINDOWS = (TABLES * 512 * MIB) / (8 * MIB);
  const places = Array.from({ length: TABLES }, (_, n) => n * 512 * MIB + n * 64 * KIB);
  const day = (seed: number) => ({
    system: {
      ...{ kind: 'full' as const, sizeBytes: TABLES * 512 * MIB },
      writes: places.map((at, n) => ({ noise: seed + n, at, bytes: 64 * KIB })),
    },
  });

  it('is restored raw with a sync for each 32 MiB, and not for each table', async () => {
    const source = makeThinChain([day(1)]);
    const target = new SimulatedRepository('offsite');
    await new LocalSessions([source.repository, target]).copy(jobOf(), NOW_MS);
    const { restored, windowCount } = await restoreRaw(target, await chainOf(source));
    expect(windowCount).toBe(WINDOWS);
    const synced = restored.operations.filter(
      ({ kind, path }) => kind === 'sync' && path.endsWith('.raw'),
    );
    // When it is made, for its first block, each thousand windows and the last ones: 1 MiB in all.
    expect(synced.length).toBeLessThanOrEqual(1 + 1 + WINDOWS / 1024 + 8);
    const raw = await restored.openRead(`${DISK}.raw`);
    const piece = Buffer.alloc(64 * KIB);
    for (const [n, at] of places.entries()) {
      await raw.read(piece, at);
      expect(piece.equals(noise(1 + n, 64 * KIB))).toBe(true);
    }
  });

  it('is compared by digest with a look at its source for each 32 MiB, and not for each table', async () => {
    const source = makeThinChain([day(1), day(1)]);
    const target = new SimulatedRepository('offsite');
    const first = await withFirstPoints(source, 1);
    await new LocalSessions([first, target]).copy(jobOf(), NOW_MS);
    const counted = new CallCounter(source.repository);
    await new LocalSessions([source.repository, target]).copy(jobOf(), NOW_MS + 3_600_000);
    expect(availablePoints((await readChainRecord(target, await chainOf(source)))!)).toHaveLength(
      2,
    );
    expect(counted.stats).toBeLessThan(WINDOWS / 16);
  });
});

describe.skipIf(!requireTool('qemu-img'))('a task that is stopped', () => {
  it.each(['prepareMerge', 'prepareVerification', 'composeTargetFile'] as const)(
    'ends %s while that only reads',
    async (name) => {
      const source = makeThinChain([
        thinDay('full', THIN_PLACES, 1),
        thinDay('incremental', [0], 50),
      ]);
      const target = new SimulatedRepository('offsite');
      const mover = new InProcessMover(source.repository, target);
      await new LocalSessions([source.repository, target]).copy(jobOf(), NOW_MS);
      const chain = await chainOf(source);
      const { epoch, points } = (await readChainRecord(target, chain))!;
      const [full, increment] = points;
      const place = { targetRepositoryId: target.id, chain, epoch, nowMs: NOW_MS };
      const plan = await mover.run('planSyntheticFull', { ...place, pointId: full!.id });
      const staging = `${chain}/.staging/${full!.id}-full`;
      for (const { disk, windowCount } of plan.disks)
        await mover.runWindows(
          'copyBlocks',
          { ...place, staging, reference: plan.reference, disk },
          windowRuns(0, windowCount),
        );
      const input = {
        ...place,
        ...{ pointId: full!.id, fullId: full!.id, incrementId: increment!.id },
        ...{ staging, reference: plan.reference },
      };
      const control = new TaskControl();
      control.stop();
      const work = threadOperation(name)(mover.context(control), input);
      await expect(work).rejects.toThrow(TaskStopped);
    },
  );
});

describe.skipIf(!requireTool('qemu-img'))('an empty disk of 1 PiB', () => {
  it('is copied within the bound as well, with an L1 table of 16 MiB', async () => {
    const source = makeThinChain([{ system: { kind: 'full', sizeBytes: 1024 * TIB, writes: [] } }]);
    const target = new SimulatedRepository('offsite');
    const copy = () => new LocalSessions([source.repository, target]).copy(jobOf(), NOW_MS);
    expect(await cpuSeconds(copy)).toBeLessThan(MAX_CPU_SECONDS);
  });

  it('is refused when it is planned if it is larger than a backup file can hold', async () => {
    const options = 'cluster_size=2M';
    const source = makeThinChain([
      { system: { kind: 'full', sizeBytes: 2048 * TIB + 512, options, writes: [] } },
    ]);
    const target = new SimulatedRepository('offsite');
    const { tasks } = await new LocalSessions([source.repository, target]).tryToCopy(
      jobOf(),
      NOW_MS,
    );
    expect(tasks).toMatchObject([{ result: 'failed', code: 'DISK_TOO_LARGE' }]);
  });
});
