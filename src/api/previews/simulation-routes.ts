/** What a policy would leave of a workload's restore points in the time ahead. Reads what the job holds; no data is touched. */

import type { Client } from '@temporalio/client';
import { z } from 'zod';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import {
  startsAtPace,
  type PolicySimulation,
  type SimulatedPoint,
} from '../../domain/retention/simulate-policy.js';
import { BackupError } from '../../domain/errors.js';
import type { RestorePointView, WorkloadSummary } from '../../domain/targets/repository-view.js';
import type { SourceJudgement } from '../../domain/targets/target-point.js';
import { instant } from '../field-schemas.js';
import {
  configuredRepository,
  pagesOf,
  type RepositoryBrowser,
} from '../repositories/repository-browser.js';
import { reachOf, refuseBeyond } from '../access/scope-reach.js';
import { invalidRequest, jsonRoute, type Route } from '../route.js';
import {
  changedDefinition,
  checkRules,
  refuseFaults,
  type JobSurroundings,
} from '../jobs/job-checks.js';
import { jobDefinitionSchema } from '../jobs/job-schemas.js';
import { startsBetween } from './schedule-preview.js';
import { simulateInTurns } from './simulate-in-turns.js';
import { DAY_MS } from '../../domain/elapsed.js';

const MAX_DAYS = 1_200;
/** A rule is asked for each session with all points that are there. */
const MAX_SESSIONS = 1_500;

/** One simulation as the API shows it. */
export interface SimulationView {
  /** Sessions to come, each of which copies one restore point. */
  readonly sessions: number;
  readonly gone: readonly { readonly createdAt: string; readonly goneAt: string }[];
  readonly left: PolicySimulation['left'];
  /** After the last session of each day. */
  readonly days: readonly {
    readonly at: string;
    readonly points: number;
    readonly oldestAt: string;
  }[];
  readonly warnings: readonly string[];
}

export interface JobSimulation {
  readonly workload: string;
  readonly days: number;
  /** When sessions are to come: by the calendar of the job, or, where it has none, at the pace of its newest restore points. */
  readonly basis: 'schedule' | 'pace';
  /** The job as it is. */
  readonly present: SimulationView;
  /** The definition that was sent. */
  readonly wanted: SimulationView;
}

const requestSchema = z
  .strictObject({
    definition: jobDefinitionSchema,
    days: z.int().min(1).max(MAX_DAYS).default(90),
    workload: z.string().min(1).max(1_000).optional().meta({
      description: 'Id in the target. Default: the one with the most restore points.',
    }),
  })
  .meta({ id: 'JobSimulationRequest' });

const count = z.int();
const viewSchema: z.ZodType<SimulationView> = z
  .object({
    sessions: count.meta({
      description: 'Sessions to come, each of which copies one restore point.',
    }),
    gone: z
      .array(z.object({ createdAt: instant, goneAt: instant }).meta({ id: 'SimulatedRemoval' }))
      .meta({ description: 'Restore points that are there now and go.' }),
    left: z.array(
      z
        .object({
          id: z.string(),
          createdAt: instant,
          isNew: z.boolean(),
          kind: z.enum(['full', 'increment']),
          flags: z.array(z.enum(['weekly', 'monthly', 'yearly'])),
          reasons: z.array(z.string()),
        })
        .meta({ id: 'SimulatedPoint' }),
    ),
    days: z
      .array(
        z.object({ at: instant, points: count, oldestAt: instant }).meta({ id: 'SimulatedDay' }),
      )
      .meta({ description: 'After the last session of each day.' }),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'PolicySimulation' });
const answerSchema: z.ZodType<JobSimulation> = z
  .object({
    workload: z.string(),
    days: count,
    basis: z.enum(['schedule', 'pace']).meta({
      description:
        'When sessions are to come: by the calendar of the definition, or, where it has none, at the pace of the newest restore points.',
    }),
    present: viewSchema.meta({ description: 'The job as it is.' }),
    wanted: viewSchema.meta({ description: 'The definition that was sent.' }),
  })
  .meta({ id: 'JobSimulation' });

interface Services extends JobSurroundings {
  readonly client: Client;
  readonly browser: RepositoryBrowser;
  readonly now: () => number;
}

export function simulationRoutes(services: Services): Route[] {
  return [
    jsonRoute({
      method: 'post',
      path: '/jobs/:id/simulation',
      operationId: 'simulateJob',
      needs: 'view',
      looksOnly: true,
      subject: 'job',
      summary:
        'What of a workload would be there in the days ahead, by the job as it is and by a changed definition: from the restore points that it has now, and one more with each session. Nothing is changed.',
      status: 200,
      body: requestSchema,
      answer: answerSchema,
      errors: [
        ...(['JOB_MISSING', 'JOB_RULE_BROKEN', 'JOB_KIND_WRONG'] as const),
        ...(['REPOSITORY_UNREACHABLE', 'WORKLOAD_MISSING'] as const),
      ],
      run: async ({ params, body, caller }) => {
        const present = await services.jobs.definition(params.id ?? '');
        refuseBeyond(caller, reachOf(body.definition), reachOf(present));
        const definition = changedDefinition(present, body.definition);
        await checkRules(definition, services);
        refuseOtherTarget(present, definition);
        const wanted: CopyJob = { ...definition, revision: 1, replaces: null };
        return { content: await simulationOf(services, { present, wanted, ...body }) };
      },
    }),
  ];
}

/** @throws JOB_RULE_BROKEN */
function refuseOtherTarget(present: CopyJob, { target }: Pick<CopyJob, 'target'>): void {
  const { repositoryId } = present.target;
  if (target.repositoryId === repositoryId) return;
  const message = `what would stay is reckoned from the copies in ${repositoryId}; in ${target.repositoryId} the job begins anew`;
  refuseFaults([{ path: 'target.repositoryId', message }]);
}

interface Asked {
  readonly present: CopyJob;
  readonly wanted: CopyJob;
  readonly days: number;
  readonly workload?: string | undefined;
}

async function simulationOf(
  services: Services,
  { present, wanted, days, workload: asked }: Asked,
): Promise<JobSimulation> {
  const { repositories, browser, now } = services;
  const target = configuredRepository(repositories, present.target.repositoryId);
  const workload = asked ?? (await largestOf(browser, present));
  const points = await pointsOf(browser, present, workload);
  const fromMs = now();
  const toMs = fromMs + days * DAY_MS;
  const simulate = async (job: CopyJob) => {
    const span = { fromMs, toMs, enough: MAX_SESSIONS + 1 };
    const planned = await startsBetween(services.client, job.schedule, span);
    const startsMs = planned ?? startsAtPace(points, fromMs, toMs);
    const firstTooMany = startsMs[MAX_SESSIONS];
    if (firstTooMany !== undefined) {
      const fit = Math.ceil((firstTooMany - fromMs) / DAY_MS) - 1;
      const message = `more than ${MAX_SESSIONS} sessions would run in so many days; ${fit} days have no more`;
      throw invalidRequest([{ path: 'days', message }]);
    }
    const simulation = await simulateInTurns({
      ...{ points, job, startsMs, nowMs: fromMs, immutableForDays: target.immutableForDays },
      // Of the storage nobody knows here; without it outdated points go some sessions later.
      mergeAllowed: true,
    });
    return { view: viewOf(simulation, points), hasCalendar: planned !== null };
  };
  const [before, after] = [await simulate(present), await simulate(wanted)];
  return {
    ...{ workload, days, basis: after.hasCalendar ? 'schedule' : 'pace' },
    ...{ present: before.view, wanted: after.view },
  };
}

function viewOf(
  { gone, left, steps, warnings }: PolicySimulation,
  points: readonly SimulatedPoint[],
): SimulationView {
  const createdAt = new Map(points.map((point) => [point.id, point.createdAt]));
  const days = new Map(steps.map((step) => [Math.floor(step.atMs / DAY_MS), step]));
  return {
    sessions: steps.length,
    gone: gone.map(({ id, goneAtMs }) => ({
      createdAt: createdAt.get(id)!,
      goneAt: new Date(goneAtMs).toISOString(),
    })),
    left,
    days: [...days.values()].map(({ atMs, ...step }) => ({
      at: new Date(atMs).toISOString(),
      ...step,
    })),
    warnings,
  };
}

/** Id of the workload of which the job keeps the most. @throws WORKLOAD_MISSING */
async function largestOf(browser: RepositoryBrowser, { id, target }: CopyJob): Promise<string> {
  let largest: WorkloadSummary | null = null;
  const look = (cursor?: string) => browser.workloads(target.repositoryId, cursor);
  for await (const { items } of pagesOf(look))
    for (const workload of items)
      if (workload.jobId === id && workload.restorePointCount > (largest?.restorePointCount ?? 0))
        largest = workload;
  if (largest === null)
    throw new BackupError('WORKLOAD_MISSING', `the job ${id} has copied nothing yet`);
  return largest.id;
}

/** @throws WORKLOAD_MISSING, REQUEST_INVALID of a tree, whose retention goes by other rules */
async function pointsOf(
  browser: RepositoryBrowser,
  { id, target }: CopyJob,
  workload: string,
): Promise<SimulatedPoint[]> {
  const views: RestorePointView[] = [];
  const look = (cursor?: string) =>
    browser.restorePoints(target.repositoryId, {
      workload,
      ...(cursor === undefined ? {} : { cursor }),
    });
  for await (const { items } of pagesOf(look))
    views.push(...items.filter(({ jobId }) => jobId === id));
  if (views.length === 0)
    throw new BackupError('WORKLOAD_MISSING', `the job ${id} has no restore point of ${workload}`);
  return views.map(pointOf);
}

function pointOf({
  id,
  createdAt,
  copiedAt,
  kind,
  parentId,
  chainId,
  health,
  retention,
  state,
  reason,
}: RestorePointView): SimulatedPoint {
  // Points of trees have no copying of their own, and are in no chain.
  if ((kind !== 'full' && kind !== 'increment') || chainId === null)
    throw invalidRequest([
      { path: 'workload', message: 'is a tree of files, whose sets are not simulated' },
    ]);
  // Of a copy that is all that can be wrong with its state.
  const judged = state === 'incomplete' ? shortBy(reason ?? state) : undefined;
  return {
    ...{ id, createdAt, kind, parentId, health },
    ...{ copiedAt: copiedAt ?? createdAt, chainId },
    ...{ state: 'available', flags: retention, source: judged === undefined ? {} : { judged } },
  };
}

function shortBy(reason: string): SourceJudgement {
  return { verdict: 'grown', reason, fingerprint: null, epoch: 0 };
}
