import fc from '../../support/properties.js';
import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { availablePoints } from '../../../src/chain/chain-record.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { BLOCK_BYTES } from '../../../src/domain/targets/digest.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { restoreStaging } from '../../../src/domain/targets/staging-id.js';
import type { CopyJob, StartOverrides } from '../../../src/domain/jobs/copy-job.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { readStagedJson, stagedPath, type CopyPlan } from '../../../src/mover/staging/copy-plan.js';
import { HeldWindows } from '../../../src/mover/staging/held-windows.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import {
  diskId,
  makeSourceChain,
  makeThinChain,
  MIB,
  noise,
  withFirstPoints,
  type SourceChain,
  type SourcePoint,
} from '../../support/kill-table/source-chain.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { jobOf } from '../../support/kill-table/scenarios.js';
import { requireTool } from '../../support/image/qemu.js';
import { wrongPointsToQemu } from '../../support/living/qemu-witness.js';
import { DISK, drawnDays, modelOf, resized } from '../../support/living/resized-chain.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { stoppedAt } from '../../support/workflows/lost-answers.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { windowRuns } from '../../../src/mover/task/window-runs.js';

/** A source and one target of it; what is wrong in the target is judged by qemu-img. */
class Copied {
  private sessions = 0;

  private constructor(
    readonly source: SourceChain,
    readonly job: CopyJob,
    readonly workloadId: string,
    readonly target: SimulatedRepository,
  ) {}

  static async of(
    source: SourceChain,
    job = jobOf(),
    pointsAtFirst = source.pointIds.length,
  ): Promise<Copied> {
    return Copied.from(source, job, await withFirstPoints(source, pointsAtFirst));
  }

  static async from(
    source: SourceChain,
    job: CopyJob,
    repository: SimulatedRepository,
  ): Promise<Copied> {
    const [workload] = await listSourceWorkloads(repository);
    const target = new SimulatedRepository(job.target.repositoryId);
    const copied = new Copied(source, job, workload!.id, target);
    await copied.copy({}, {}, repository);
    return copied;
  }

  /** One more session. */
  async copy(
    changes: Partial<CopyJob> = {},
    overrides: StartOverrides = {},
    from = this.source.repository,
  ): Promise<void> {
    const nowMs = NOW_MS + this.sessions++ * 3_600_000;
    await new LocalSessions([from, this.target]).copy(
      { ...this.job, ...changes },
      nowMs,
      overrides,
    );
  }

  get chain(): string {
    return chainFolder(this.job.id, this.workloadId);
  }

  async points(): Promise<TargetRestorePoint[]> {
    return availablePoints((await readChainRecord(this.target, this.chain))!);
  }

  /** Days of the points that qemu-img reads otherwise than they were in the source. */
  async wrongDays(): Promise<number[]> {
    const { workloadId, job } = this;
    const chain = { repository: this.target, jobId: job.id, workloadId };
    const points = await this.points();
    const wrong = await wrongPointsToQemu(chain, points, (point) => this.truthOf(point));
    return points.filter(({ id }) => wrong.includes(id)).map(dayOf);
  }

  truthOf(point: TargetRestorePoint): Buffer {
    return this.source.truth.get(this.source.pointIds[dayOf(point)] ?? '')!.get(diskId(DISK))!;
  }

  /** Days of the points whose raw restore is otherwise than they were in the source. */
  async wronglyRestoredDays(): Promise<number[]> {
    const wrong: number[] = [];
    for (const point of await this.points())
      if (!(await restoreRaw(this, point.id)).equals(this.truthOf(point))) wrong.push(dayOf(point));
    return wrong;
  }
}

function dayOf({ createdAt }: TargetRestorePoint): number {
  return Number(createdAt.slice(8, 10)) - 1;
}

async function restoreRaw({ target, chain }: Copied, pointId: string): Promise<Buffer> {
  const destinationPath = '/restored';
  const folder = new SimulatedRepository(folderRepositoryId(destinationPath));
  const mover = new InProcessMover(target, folder);
  const input = {
    ...{ repositoryId: target.id, chain, pointId, destinationPath, format: 'raw' as const },
    ...{ disks: null, intoExisting: false, leaseId: 'lease', nowMs: NOW_MS },
  };
  const { reference, disks } = await mover.run('prepareRestore', input);
  for (const { disk, windowCount } of disks)
    await mover.runWindows(
      'restoreRaw',
      { targetRepositoryId: folder.id, staging: `.longhaul-restore-${pointId}`, reference, disk },
      windowRuns(0, windowCount),
    );
  await mover.run('finishRestore', { ...input, reference });
  return (await readWholeFile(folder, `${diskId(DISK)}.raw`, 64 * MIB))!;
}

/** A job that copies on what `first` holds. */
function copyOn(first: Copied, restorePoints: 'all' | 'latest'): Promise<Copied> {
  const job: CopyJob = {
    ...jobOf(),
    id: 'onward',
    sources: { include: [{ repositoryId: first.target.id }], exclude: [] },
    target: { repositoryId: 'vault' },
    restorePoints,
  };
  return Copied.from(first.source, job, first.target);
}

type Way = (source: SourceChain) => Promise<Copied>;

const LATEST: CopyJob = { ...jobOf(), restorePoints: 'latest' };

const inPlaceOf = (weekly: 'thursday' | null, value: number): Way => {
  return async (source) => {
    const copied = await Copied.of(source);
    await copied.copy(jobOf(value, weekly));
    return copied;
  };
};

/** Every way on which bytes get into a target. */
const WAYS: Readonly<Record<string, Way>> = {
  'all points': (source) => Copied.of(source),
  'the newest point alone': (source) => Copied.of(source, LATEST),
  'an increment that passes over points': async (source) => {
    const copied = await Copied.of(source, LATEST, 2);
    await copied.copy();
    return copied;
  },
  'an active full': async (source) => {
    const copied = await Copied.of(source, jobOf(), 1);
    await copied.copy(LATEST, { activeFull: true });
    return copied;
  },
  'merges down to one point': inPlaceOf(null, 1),
  'merges down to two points': inPlaceOf(null, 2),
  'a GFS full in the middle': inPlaceOf('thursday', 99),
  'a copy of a copy': async (source) => copyOn(await Copied.of(source), 'all'),
  'a copy of the newest copy': async (source) => copyOn(await Copied.of(source), 'latest'),
};

describe.skipIf(!requireTool('qemu-img'))('a disk that is shrunk and grown within a chain', () => {
  const source = makeSourceChain(
    resized([8 * MIB, 12 * MIB + 512, 12 * MIB + 512, 6 * MIB, 10 * MIB, 10 * MIB]),
  );

  it.each(Object.keys(WAYS))('reads as the source did, by qemu-img, after %s', async (name) => {
    const copied = await WAYS[name]!(source);
    expect(await copied.wrongDays()).toEqual([]);
  });

  it('is restored raw as the source was', async () => {
    expect(await (await Copied.of(source)).wronglyRestoredDays()).toEqual([]);
  });
});

describe.skipIf(!requireTool('qemu-img'))('a disk of another size at each backup', () => {
  it('reads as a model of plain bytes says, by every way into a target and out of it', async () => {
    await fc.assert(
      fc.asyncProperty(drawnDays, async (days: readonly SourcePoint[]) => {
        const source = makeSourceChain(days);
        const truth = source.pointIds.map((id) => source.truth.get(id)!.get(diskId(DISK))!);
        expect(truth.map((bytes, day) => bytes.equals(modelOf(days)[day]!))).not.toContain(false);
        const wrong: Record<string, number[]> = {};
        for (const [name, way] of Object.entries(WAYS)) {
          const copied = await way(source);
          wrong[name] = await copied.wrongDays();
          wrong[`${name}, restored`] = await copied.wronglyRestoredDays();
        }
        expect(Object.entries(wrong).filter(([, faults]) => faults.length > 0)).toEqual([]);
      }),
      {
        numRuns: Number(process.env['LONGHAUL_PROPERTY_RUNS'] ?? 5),
        endOnFailure: true,
      },
    );
  });
});

describe.skipIf(!requireTool('qemu-img'))('a raw restore of a disk that has grown', () => {
  const GIB = 1024 * MIB;
  const early = { noise: 1, at: 0, bytes: BLOCK_BYTES };
  const late = { noise: 2, at: 1.75 * GIB, bytes: BLOCK_BYTES };

  // Builds before 28 November 2026 listed every window behind the end of the full.
  it('does again what was numbered by the longer list of an earlier build', async () => {
    const { target, job, workloadId, points } = await grown();
    const pointId = (await points())[1]!.id;
    const folder = new SimulatedRepository('folder:/tmp/restored');
    const order = {
      ...{
        repositoryId: target.id,
        restorePointId: restorePointKey([job.id, workloadId, pointId]),
      },
      ...{ destinationPath: '/tmp/restored', format: 'raw' as const },
    };
    const planning: LocalSessions = new LocalSessions(
      [target, folder],
      stoppedAt('prepareRestore', () => planning.stop('restore')),
    );
    expect(await planning.restore(order, NOW_MS)).toMatchObject({ result: 'stopped' });
    await restoreHalfAsBefore(target, folder, restoreStaging(pointId));

    const before = folder.operations.length;
    const restored = await new LocalSessions([target, folder]).restore(order, NOW_MS);
    expect(restored).toMatchObject({ result: 'success' });
    const did = folder.operations.slice(before).map(({ kind, path, to }) => [kind, to ?? path]);
    const isOf = (name: string) => did.findIndex(([, path]) => path!.endsWith(name));
    // docs/FORMAT.md, Order, D4: a power cut between them may take either name.
    const between = did.slice(isOf('.restored'), isOf('.windows'));
    expect(between).toContainEqual(['syncFolder', stagedPath.workFolder(restoreStaging(pointId))]);
    const raw = await folder.openRead(`${diskId(DISK)}.raw`);
    for (const { noise: seed, at, bytes } of [early, late]) {
      const found = Buffer.alloc(bytes);
      await raw.read(found, at);
      expect(found.equals(noise(seed, bytes)), `at byte ${at}`).toBe(true);
    }
  });

  async function grown() {
    const source = makeThinChain([
      { [DISK]: { kind: 'full', sizeBytes: 0.5 * GIB, writes: [early] } },
      { [DISK]: { kind: 'incremental', sizeBytes: 2 * GIB, writes: [late] } },
    ]);
    const copied = await Copied.of(source);
    const { target, job, workloadId } = copied;
    return { target, job, workloadId, points: () => copied.points() };
  }

  /** Two tables of the two images show 64 windows each: as many as all that there is to do are done. */
  async function restoreHalfAsBefore(
    target: SimulatedRepository,
    folder: SimulatedRepository,
    staging: string,
  ): Promise<void> {
    const { token, epoch, disks } = (await readStagedJson<CopyPlan>(
      folder,
      stagedPath.plan(staging),
    ))!;
    const { disk } = disks[0]!;
    const all = HeldWindows.of((2 * GIB) / BLOCK_BYTES, (block) => block);
    await all.write(folder, staging, disk, token);
    const reference = { token, epoch };
    await new InProcessMover(target, folder).runWindows(
      'restoreRaw',
      { targetRepositoryId: folder.id, staging, reference, disk },
      windowRuns(0, 128),
    );
  }
});
