import { createHash } from 'node:crypto';
import { chainFolder } from '../../chain/chain-paths.js';
import { readChainRecord } from '../../chain/chain-store.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { SourceWorkload } from '../../domain/sources/restore-point.js';
import {
  awaitedPoints,
  settlePoints,
  type AwaitedPoint,
  type SettleRule,
} from '../../domain/sources/settle.js';
import type { SourceIdentity } from '../../domain/sources/source-identity.js';
import { sourceScope, type NamedWorkload } from '../../domain/jobs/source-scope.js';
import type { TreePoint } from '../../domain/trees/source-tree.js';
import { jobKind } from '../../domain/sources/workload-rules.js';
import { workloadTypeOf } from '../../layout/layouts.js';
import { newTreePoints } from '../source/new-tree-points.js';
import { listSourceWorkloads } from '../source/source-catalogue.js';
import { identifiedPoints } from '../source/source-points.js';
import type { MoverContext } from '../task/mover-context.js';
import { assertIsNoTarget } from './source-guard.js';

export interface News {
  /** Fingerprint of the sources as they are. */
  readonly seen: string;
  /** Those that have something to copy. */
  readonly workloads: NamedWorkload[];
  /** Points that are in progress. */
  readonly awaited: readonly AwaitedPoint[];
}

/** Looks at the sources of a job for complete restore points that are not copied yet.
 *  @throws SOURCE_IS_TARGET */
export async function lookForNews(
  context: MoverContext,
  input: {
    readonly job: CopyJob;
    /** Of the look before. */
    readonly awaited: readonly AwaitedPoint[];
    /** By the id of a source: for how long nothing may have changed in a restore point before it is taken for whole. */
    readonly settleMs: Readonly<Record<string, number>>;
    /** Configured repositories that are written to. */
    readonly targetIds: readonly string[];
    readonly nowMs: number;
  },
): Promise<News> {
  const { job, settleMs, targetIds, nowMs } = input;
  const fingerprint = createHash('sha256');
  const workloads: NamedWorkload[] = [];
  const isInScope = sourceScope(job);
  const awaited: AwaitedPoint[] = [];
  const seen = input.awaited.flatMap((point) => point.seen ?? []);
  for (const { repositoryId } of job.sources.include) {
    const repository = await context.repository(repositoryId);
    await assertIsNoTarget(context, targetIds, repositoryId);
    for (const found of await listSourceWorkloads(repository, undefined, context.facts)) {
      if (!isInScope(repositoryId, found)) continue;
      // What another kind of job copies is no news for this one.
      if (workloadTypeOf(found.type).rules.job !== jobKind(job)) continue;
      const rule = { nowMs, settleMs: settleMs[repositoryId] ?? 0, seen };
      const workload = { ...found, restorePoints: settlePoints(found.restorePoints, rule) };
      awaited.push(...awaitedPoints(workload.restorePoints, rule));
      const complete = workload.restorePoints.filter(({ state }) => state === 'complete');
      const states = new Map(found.tree?.points.map((point) => [point.id, stateOf(point)]));
      const points = complete.map(({ id, disks }) => [
        ...[id, disks.map(({ stamp }) => stamp)],
        ...(states.get(id) ?? []),
      ]);
      fingerprint.update(JSON.stringify([repositoryId, workload.id, points]));
      if (await hasWork(context, job, repositoryId, workload, rule))
        workloads.push({ id: workload.id, name: workload.name });
    }
  }
  return { seen: fingerprint.digest('hex'), workloads, awaited };
}

/** What changes of a point of a tree while it stays the same point. */
function stateOf({ createdAtMs, sizeBytes, files, needs, gap }: TreePoint): unknown[] {
  return [createdAtMs, sizeBytes, files?.length, needs, gap];
}

/** A complete point that nobody has dealt with, or one of which only a comparison tells what it is. */
async function hasWork(
  context: MoverContext,
  job: CopyJob,
  sourceRepositoryId: string,
  workload: SourceWorkload,
  rule: SettleRule,
): Promise<boolean> {
  const target = await context.repository(job.target.repositoryId);
  if (workload.tree !== undefined)
    return (await newTreePoints(target, job, workload, rule)).added.length > 0;
  const record = await readChainRecord(target, chainFolder(job.id, workload.id));
  return identifiedPoints(workload, record, sourceRepositoryId, null).some(({ identity }) =>
    WORK.includes(identity.is),
  );
}

const WORK: readonly SourceIdentity['is'][] = ['new', 'grown', 'unproven'];
