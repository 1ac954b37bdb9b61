/** Copies that get another job, or none. */

import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BackupError } from '../../domain/errors.js';
import { mappingFault, type MappedWorkload } from '../../domain/jobs/chain-mapping.js';
import { copyId } from '../../domain/jobs/copy-id.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { detachedJob } from '../../domain/jobs/detached-copy.js';
import type { OperationStore } from '../operations/operation-store.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import { operationStartedSchema } from '../repositories/repository-schemas.js';
import { slug } from '../field-schemas.js';
import { refuseBeyond } from '../access/scope-reach.js';
import { jsonRoute, type Route } from '../route.js';
import { startedOperation } from '../operations/started-operation.js';
import { missingJob, type JobSurroundings } from '../jobs/job-checks.js';
import { workloadName } from '../jobs/job-source-schemas.js';
import { storedWorkload } from './stored-workload.js';

const mapSchema = z
  .strictObject({
    fromJobId: slug.meta({
      description:
        'Under which the copies lie in the target of the job: no job of this server that copies to there.',
    }),
    workload: workloadName.meta({ description: 'Id or name.' }),
  })
  .meta({ id: 'MapRequest' });

const detachSchema = z
  .strictObject({ workload: workloadName.meta({ description: 'Id or name.' }) })
  .meta({ id: 'DetachRequest' });

interface RehomeServices extends JobSurroundings {
  readonly browser: RepositoryBrowser;
  readonly operations: OperationStore;
  readonly now: () => number;
}

export function rehomeRoutes(services: RehomeServices): Route[] {
  return [mapRoute(services), detachRoute(services)];
}

function mapRoute({ jobs, browser, operations, seenWorkloads }: RehomeServices): Route {
  return jsonRoute({
    method: 'post',
    path: '/jobs/:id/map',
    operationId: 'mapCopies',
    needs: 'administer',
    subject: 'job',
    summary:
      'Let a job go on with copies that lie in its target and belong to no job that copies to there. Its retention holds for them from its next session on.',
    status: 202,
    body: mapSchema,
    answer: operationStartedSchema,
    errors: [
      ...(['JOB_MISSING', 'WORKLOAD_MISSING', 'REPOSITORY_UNREACHABLE'] as const),
      ...(['CHAIN_OF_JOB', 'CHAIN_EXISTS', 'CHAIN_UNFIT'] as const),
    ],
    run: async ({ params, body, caller, noteBefore }) => {
      const { fromJobId } = body;
      refuseBeyond(caller, { jobs: [fromJobId] });
      const job = await jobs.definition(params.id ?? '');
      const { repositoryId } = job.target;
      const other = await jobs.definition(fromJobId).catch(missingJob);
      // One whose copies go elsewhere never looks at what was carried here.
      if (other?.target.repositoryId === repositoryId)
        throw new BackupError(
          'CHAIN_OF_JOB',
          `${fromJobId} is a job of this server, and copies to ${repositoryId}`,
        );
      const { workload, isStopped } = await storedWorkload(browser, repositoryId, {
        ...{ jobId: fromJobId, named: body.workload },
      });
      const looks = job.sources.include.map((source) => seenWorkloads(source.repositoryId));
      const shown = looks.flatMap((seen) =>
        (seen ?? []).map((each) => (each.is === 'chain' ? { ...each, id: each.idAsSource } : each)),
      );
      const isAll = looks.every((seen) => seen !== null);
      const fault = isStopped ? null : mappingFault(job, workload, shown, isAll);
      if (fault !== null) throw new BackupError('CHAIN_UNFIT', fault);
      noteBefore({ jobId: fromJobId, workload: workload.id });
      const chain = { jobId: fromJobId, workloadId: workload.id, workload };
      return startedOperation(await operations.rehome('map', { repositoryId, chain, job }));
    },
  });
}

function detachRoute({ jobs, browser, operations, now }: RehomeServices): Route {
  return jsonRoute({
    method: 'post',
    path: '/jobs/:id/detach',
    operationId: 'detachCopies',
    needs: 'administer',
    subject: 'job',
    summary:
      'Take the copies of one workload from a job: they stay in the target until somebody removes them, and the next session begins a new chain.',
    status: 202,
    body: detachSchema,
    answer: operationStartedSchema,
    errors: ['JOB_MISSING', 'WORKLOAD_MISSING', 'REPOSITORY_UNREACHABLE'],
    run: async ({ params, body, noteBefore }) => {
      const from = await jobs.definition(params.id ?? '');
      const { repositoryId } = from.target;
      const { workload } = await storedWorkload(browser, repositoryId, {
        ...{ jobId: from.id, named: body.workload },
      });
      noteBefore({ jobId: from.id, workload: workload.id });
      const job = detached(from, workload, new Date(now()).toISOString());
      const chain = { jobId: from.id, workloadId: workload.id, workload };
      return startedOperation(await operations.rehome('detach', { repositoryId, chain, job }));
    },
  });
}

function detached(from: CopyJob, workload: MappedWorkload, at: string): CopyJob {
  const text = JSON.stringify([from.id, from.target.repositoryId, workload.id, at]);
  const digest = createHash('sha256').update(text).digest('hex');
  return detachedJob(copyId('detached', workload.name, digest), workload, from, at);
}
