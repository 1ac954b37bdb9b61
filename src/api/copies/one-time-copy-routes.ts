/** Copies that are made once, and removed after a date. */

import { z } from 'zod';
import { BackupError } from '../../domain/errors.js';
import type { OneTimeOrder } from '../../domain/jobs/one-time-copy.js';
import { isNamed } from '../../domain/jobs/source-scope.js';
import type { SourceFacts } from '../../domain/safety/workload-facts.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { StoredJob } from '../../domain/targets/repository-view.js';
import { SLUG, slug } from '../field-schemas.js';
import { checkRules, type JobSurroundings } from '../jobs/job-checks.js';
import { idempotencyKey } from '../jobs/job-routes.js';
import { workloadName } from '../jobs/job-source-schemas.js';
import { invalidRequest, jsonRoute, type Route } from '../route.js';
import type { OneTimeCopies } from './one-time-copies.js';
import {
  configuredRepository,
  pagesOf,
  type RepositoryBrowser,
} from '../repositories/repository-browser.js';

const orderSchema = z
  .strictObject({
    source: z
      .strictObject({
        repositoryId: slug,
        workload: workloadName,
        restorePointId: z.string().min(1).max(2_000).nullable().default(null).meta({
          description: 'Of the source; null: its newest restore point.',
        }),
      })
      .meta({ id: 'OneTimeSource' }),
    target: z.strictObject({ repositoryId: slug }).meta({ id: 'OneTimeTarget' }),
    expiresAt: z.iso.datetime({ offset: true }).nullable().default(null).meta({
      description: 'After which the copy is removed; null: it stays until somebody removes it.',
    }),
  })
  .meta({ id: 'OneTimeCopyRequest' });

const startedSchema = z
  .object({
    copyId: z.string(),
    sessionId: z.string(),
    hasBegun: z.boolean().meta({
      description: 'False: it is ordered, and its session begins as soon as a worker takes it.',
    }),
  })
  .meta({ id: 'OneTimeCopyStarted' });

const removedSchema = z.object({ copyId: z.string() }).meta({ id: 'OneTimeCopyRemoved' });

interface OneTimeServices extends JobSurroundings {
  readonly copies: OneTimeCopies;
  readonly browser: RepositoryBrowser;
  readonly timeZone: string;
  readonly now: () => number;
}

export function oneTimeCopyRoutes(services: OneTimeServices): Route[] {
  return [startRoute(services), removeRoute(services)];
}

function startRoute(services: OneTimeServices): Route {
  const { copies, timeZone, now } = services;
  return jsonRoute({
    method: 'post',
    path: '/one-time-copies',
    operationId: 'copyOnce',
    needs: 'administer',
    subject: 'site',
    summary:
      'Copy one restore point of one workload once, without a schedule. It is listed among the jobs whose copies lie in the target.',
    status: 202,
    headers: { 'Idempotency-Key': 'A repeat with the same key gives the first answer.' },
    body: orderSchema,
    answer: startedSchema,
    errors: ['JOB_RULE_BROKEN', 'JOB_KIND_WRONG', 'WORKLOAD_MISSING'],
    run: async ({ body, header, caller }) => {
      const expiresAt = body.expiresAt && new Date(body.expiresAt).toISOString();
      if (expiresAt !== null && Date.parse(expiresAt) <= now())
        throw invalidRequest([{ path: 'expiresAt', message: 'lies in the past' }]);
      const key = idempotencyKey(header('Idempotency-Key'));
      const job = copies.jobOf({ ...body, expiresAt }, key, timeZone);
      const looking = { ...services, browser: lookingOnce(services) };
      await checkRules(job, looking);
      if (!(await copies.isOrdered(job))) await refuseUnfit(body.source, looking);
      const content = await copies.start(job, caller.name);
      return {
        content,
        headers: { Location: `/api/v1/one-time-copies/${content.copyId}` },
      };
    },
  });
}

/** An order names one workload, which several rules ask for. */
function lookingOnce({ browser }: OneTimeServices): Pick<RepositoryBrowser, 'named'> {
  let look: ReturnType<RepositoryBrowser['named']> | null = null;
  return { named: (...order) => (look ??= browser.named(...order)) };
}

/** What the last look has shown may be ordered, unless it is a tree; what it has not may have come since, so it is looked for. Where that is not seen to be missing, the
 *  session says it. @throws WORKLOAD_MISSING, JOB_KIND_WRONG */
async function refuseUnfit(
  { repositoryId, workload }: OneTimeOrder['source'],
  { seenWorkloads, browser }: Pick<JobSurroundings, 'seenWorkloads' | 'browser'>,
): Promise<void> {
  const seen = seenWorkloads(repositoryId)?.filter(
    (each): each is SourceFacts => each.is === 'source' && isNamed([workload], each),
  );
  if (seen !== undefined && seen.length > 0) return refuseTrees(workload, seen);
  const look = await browser.named(repositoryId, workload);
  if (look === null) return;
  if (look.found.length > 0) return refuseTrees(workload, look.found);
  if (!look.isWhole) return;
  const text = `repository ${repositoryId} holds no workload ${workload}: nothing was ordered`;
  throw new BackupError('WORKLOAD_MISSING', text);
}

/** @param named all that are called so */
function refuseTrees(workload: string, named: readonly { readonly isTree?: true }[]): void {
  if (!named.every(({ isTree }) => isTree === true)) return;
  const text = `${workload} is a set of files, which a job copies: a one-time copy takes a machine. Nothing was ordered`;
  throw new BackupError('JOB_KIND_WRONG', text);
}

function removeRoute({ copies, browser, repositories }: OneTimeServices): Route {
  return jsonRoute({
    method: 'post',
    path: '/repositories/:id/one-time-copies/:copyId/remove',
    operationId: 'removeOneTimeCopy',
    needs: 'administer',
    subject: 'repository',
    summary:
      'Remove a one-time copy before its date: as soon as no session, restore or immutability holds it.',
    status: 202,
    answer: removedSchema,
    errors: ['REPOSITORY_MISSING', 'REPOSITORY_UNREACHABLE', 'JOB_MISSING', 'JOB_KIND_WRONG'],
    run: async ({ params, noteBefore }) => {
      const { id: repositoryId } = configuredRepository(repositories, params.id ?? '');
      const copyId = params.copyId ?? '';
      noteBefore(await storedCopy(browser, repositoryId, copyId));
      await copies.remove(repositoryId, copyId);
      return { content: { copyId } };
    },
  });
}

/** @throws JOB_MISSING, JOB_KIND_WRONG */
async function storedCopy(
  browser: RepositoryBrowser,
  repositoryId: string,
  copyId: string,
): Promise<StoredJob> {
  let unread: UnreadablePart | undefined;
  if (SLUG.test(copyId))
    for await (const page of pagesOf((cursor) => browser.storedJobs(repositoryId, cursor))) {
      unread ??= page.unreadable?.find(({ path }) => path.startsWith(`${copyId}/`));
      const found = page.items.find(({ id }) => id === copyId);
      if (found !== undefined && found.once !== null) return found;
      if (found !== undefined)
        throw new BackupError(
          'JOB_KIND_WRONG',
          unread === undefined
            ? `${copyId} is a job, and no one-time copy`
            : `nothing that can be read says that ${copyId} is a one-time copy: ${textOf(unread)}`,
        );
    }
  throw new BackupError(
    'JOB_MISSING',
    unread === undefined
      ? `no one-time copy ${copyId} lies in ${repositoryId}`
      : `what lies in ${repositoryId} of ${copyId} cannot be read: ${textOf(unread)}`,
  );
}

function textOf({ path, reason }: UnreadablePart): string {
  return `${path}: ${reason}`;
}
