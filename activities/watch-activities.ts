import { createHash } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { chainFolder } from '../src/chain/chain-paths.js';
import { readChainRecord } from '../src/chain/chain-store.js';
import type { CopyJob } from '../src/domain/copy-job.js';
import type { SourceWorkload } from '../src/domain/restore-point.js';
import type { SourceIdentity } from '../src/domain/source-identity.js';
import { awaitedPoints, settlePoints, type AwaitedPoint } from '../src/domain/settle.js';
import { sourceScope, type NamedWorkload } from '../src/domain/source-scope.js';
import type { DataMover } from '../src/mover/data-mover.js';
import { listSourceWorkloads } from '../src/mover/source/source-catalogue.js';
import { identifiedPoints } from '../src/mover/source/source-points.js';
import type { TaskControl } from '../src/mover/task/task-control.js';
import { runTask } from './run-task.js';
import { assertIsNoTarget } from './source-guard.js';

export interface WatchResult {
  /** Fingerprint of the source as it was seen; the next wait starts from it. */
  readonly seen: string;
  /** Those that have something to copy; null: so many that a session may as well look at all. */
  readonly workloads: readonly NamedWorkload[] | null;
}

const MAX_NAMED_WORKLOADS = 1_000;

interface WatchDependencies {
  readonly mover: DataMover;
  /** For how long nothing may have changed in a restore point of this repository before it is taken for whole. */
  readonly settleMs: (repositoryId: string) => number;
  /** Configured repositories that are written to. */
  readonly targetIds: readonly string[];
}

/** Waiting for new restore points. */
export function createWatchActivities(deps: WatchDependencies) {
  return {
    /** Returns when the sources of `job` show a complete restore point that is not copied yet and that the watcher has not seen. Looks every
     *  `intervalMs`, and sooner when the folder tells of a change or a point that is in progress may be whole. Reads only. */
    async waitForRestorePoints(input: {
      job: CopyJob;
      seen: string | null;
      intervalMs: number;
    }): Promise<WatchResult> {
      const { job, intervalMs } = input;
      return runTask(async (control) => {
        const bell = new Bell();
        const watchers = job.sources.include.map(({ repositoryId }) =>
          deps.mover.watch(repositoryId, () => bell.ring()),
        );
        Context.current().cancellationSignal.addEventListener('abort', () => bell.ring());
        try {
          return await wait(deps, job, input.seen, intervalMs, bell, control);
        } finally {
          for (const close of watchers) close();
        }
      });
    },
  };
}

export type WatchActivities = ReturnType<typeof createWatchActivities>;

async function wait(
  deps: WatchDependencies,
  job: CopyJob,
  seenBefore: string | null,
  intervalMs: number,
  bell: Bell,
  control: TaskControl,
): Promise<WatchResult> {
  let awaited: readonly AwaitedPoint[] = [];
  for (;;) {
    const found = await look(deps, job, awaited);
    const { seen, workloads } = found;
    if (seen !== seenBefore && workloads.length > 0)
      return { seen, workloads: workloads.length > MAX_NAMED_WORKLOADS ? null : workloads };
    ({ awaited } = found);
    const untilWhole = awaited.map(({ lookAgainAtMs }) => lookAgainAtMs - Date.now());
    await bell.wait(Math.max(MIN_PAUSE_MS, Math.min(intervalMs, ...untilWhole)));
    control.throwIfStopped();
  }
}

/** Between two looks, however often the folder tells of changes that are not over. */
const MIN_PAUSE_MS = 50;

async function look(
  { mover, settleMs, targetIds }: WatchDependencies,
  job: CopyJob,
  awaitedBefore: readonly AwaitedPoint[],
): Promise<{ seen: string; workloads: NamedWorkload[]; awaited: readonly AwaitedPoint[] }> {
  const fingerprint = createHash('sha256');
  const workloads: NamedWorkload[] = [];
  const isInScope = sourceScope(job);
  const awaited: AwaitedPoint[] = [];
  const seen = awaitedBefore.flatMap((point) => point.seen ?? []);
  for (const { repositoryId } of job.sources.include) {
    const repository = await mover.repository(repositoryId);
    await assertIsNoTarget(mover, targetIds, repositoryId);
    for (const found of await listSourceWorkloads(repository, undefined, mover.facts)) {
      if (!isInScope(repositoryId, found)) continue;
      const rule = { nowMs: Date.now(), settleMs: settleMs(repositoryId), seen };
      const workload = { ...found, restorePoints: settlePoints(found.restorePoints, rule) };
      awaited.push(...awaitedPoints(workload.restorePoints, rule));
      const complete = workload.restorePoints.filter(({ state }) => state === 'complete');
      const points = complete.map(({ id, disks }) => [id, disks.map(({ stamp }) => stamp)]);
      fingerprint.update(JSON.stringify([repositoryId, workload.id, points]));
      if (await hasWork(mover, job, repositoryId, workload))
        workloads.push({ id: workload.id, name: workload.name });
    }
  }
  return { seen: fingerprint.digest('hex'), workloads, awaited };
}

/** A complete point that nobody has dealt with, or one of which only a comparison tells what it is. */
async function hasWork(
  mover: DataMover,
  job: CopyJob,
  sourceRepositoryId: string,
  workload: SourceWorkload,
): Promise<boolean> {
  const target = await mover.repository(job.target.repositoryId);
  const record = await readChainRecord(target, chainFolder(job.id, workload.id));
  return identifiedPoints(workload, record, sourceRepositoryId, null).some(({ identity }) =>
    WORK.includes(identity.is),
  );
}

const WORK: readonly SourceIdentity['is'][] = ['new', 'grown', 'unproven'];

/** A wait that can be ended early. */
class Bell {
  private wake: (() => void) | null = null;
  private isRung = false;

  ring(): void {
    this.isRung = true;
    this.wake?.();
  }

  async wait(timeoutMs: number): Promise<void> {
    if (!this.isRung)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    this.wake = null;
    this.isRung = false;
  }
}
