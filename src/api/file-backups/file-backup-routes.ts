/** File-backup jobs: backups of file shares and their secondary targets. */

import {
  copyJobsOf,
  fileBackupFaults,
  type FileBackupJob,
} from '../../domain/jobs/file-backup-job.js';
import type { JobFault } from '../../domain/jobs/job-rules.js';
import type { PrimaryBackup } from '../../domain/jobs/primary-backup.js';
import { isNamed } from '../../domain/jobs/source-scope.js';
import { otherJobText } from '../../domain/sources/workload-rules.js';
import { pageSchema } from '../field-schemas.js';
import {
  fileBackupRequestSchema,
  fileBackupStartedSchema,
  fileBackupViewSchema,
  type FileBackupRequest,
} from './file-backup-schemas.js';
import type { FileBackupStore } from './file-backup-store.js';
import {
  missingJob,
  predecessorFaults,
  refuseFaults,
  type JobSurroundings,
} from '../jobs/job-checks.js';
import { idempotencyKey } from '../jobs/job-routes.js';
import { createdIn, refuseOtherId, revisionOf, withRevision } from '../jobs/job-revision.js';
import { inZone, scheduleInZone } from '../jobs/job-time-zone.js';
import { reachOf, refuseBeyond } from '../access/scope-reach.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';
import { jsonRoute, type Route } from '../route.js';

interface FileBackupServices extends JobSurroundings {
  readonly fileBackups: FileBackupStore;
  readonly primaryBackups: readonly PrimaryBackup[];
  readonly browser: Pick<RepositoryBrowser, 'named'>;
  /** Of new jobs that name none. */
  readonly timeZone: string;
}

export function fileBackupRoutes(services: FileBackupServices): Route[] {
  return [
    ...readRoutes(services),
    createRoute(services),
    ...changeRoutes(services),
    ...stateRoutes(services),
  ];
}

function readRoutes({ fileBackups }: FileBackupServices): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/file-backup-jobs',
      operationId: 'listFileBackupJobs',
      needs: 'view',
      subject: 'site',
      summary: 'All file-backup jobs, by id.',
      status: 200,
      answer: pageSchema(fileBackupViewSchema),
      errors: ['TEMPORAL_UNREACHABLE'],
      run: async () => ({ content: { items: await fileBackups.list() } }),
    }),
    jsonRoute({
      method: 'get',
      path: '/file-backup-jobs/:id',
      operationId: 'getFileBackupJob',
      needs: 'view',
      subject: 'job',
      summary: 'One file-backup job with its secondary targets and its last run.',
      status: 200,
      answer: fileBackupViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => withRevision(await fileBackups.get(params.id ?? '')),
    }),
  ];
}

function createRoute(services: FileBackupServices): Route {
  const { fileBackups } = services;
  return jsonRoute({
    method: 'post',
    path: '/file-backup-jobs',
    operationId: 'createFileBackupJob',
    needs: 'administer',
    subject: 'site',
    summary: 'Create a file-backup job, with a copy job for each of its secondary targets.',
    status: 201,
    body: fileBackupRequestSchema,
    answer: fileBackupViewSchema,
    errors: ['JOB_EXISTS', 'JOB_RULE_BROKEN', 'JOB_KIND_WRONG'],
    run: async ({ body }) => {
      const job = { ...definitionFrom(body, services.timeZone), revision: 1 };
      await checkFileBackup(job, services);
      const made = await fileBackups.create(job);
      return createdIn('/file-backup-jobs', made);
    },
  });
}

function changeRoutes(services: FileBackupServices): Route[] {
  const { fileBackups } = services;
  return [
    jsonRoute({
      method: 'put',
      path: '/file-backup-jobs/:id',
      operationId: 'updateFileBackupJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Replace the whole definition. A target that it no longer names keeps its copies.',
      status: 200,
      headers: { 'If-Match': 'Revision that the change was made to (ETag of the job), or `*`.' },
      body: fileBackupRequestSchema,
      answer: fileBackupViewSchema,
      errors: [
        ...(['JOB_MISSING', 'JOB_REVISION_STALE', 'JOB_RULE_BROKEN', 'JOB_KIND_WRONG'] as const),
        ...(['JOB_EXISTS', 'JOB_FOLLOWED'] as const),
      ],
      run: async ({ params, body, header, caller, noteBefore }) => {
        const revision = revisionOf(header('If-Match'));
        const present = await fileBackups.definition(params.id ?? '');
        noteBefore(present);
        refuseBeyond(caller, reachOf(body), reachOf(present));
        refuseOtherId(body, present);
        const job = definitionFrom(body, present.timeZone);
        await checkFileBackup({ ...job, revision: present.revision }, services);
        return withRevision(await fileBackups.update(job, revision));
      },
    }),
    jsonRoute({
      method: 'delete',
      path: '/file-backup-jobs/:id',
      operationId: 'deleteFileBackupJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Delete the job and its copy jobs. Backups and copies stay.',
      status: 204,
      answer: null,
      errors: ['JOB_MISSING', 'JOB_FOLLOWED'],
      run: async ({ params, noteBefore }) => {
        const id = params.id ?? '';
        noteBefore(await fileBackups.definition(id));
        return { content: await fileBackups.delete(id) };
      },
    }),
  ];
}

function stateRoutes({ fileBackups }: FileBackupServices): Route[] {
  return [
    jsonRoute({
      method: 'post',
      path: '/file-backup-jobs/:id/start',
      operationId: 'startFileBackupJob',
      needs: 'operate',
      subject: 'job',
      summary: 'Make the primary backup now, if the job has one, then the copies that follow it.',
      status: 202,
      headers: { 'Idempotency-Key': 'A repeat with the same key gives the first answer.' },
      answer: fileBackupStartedSchema,
      errors: ['JOB_MISSING', 'JOB_BUSY'],
      run: async ({ params, header }) => {
        const key = idempotencyKey(header('Idempotency-Key'));
        return { content: { runId: await fileBackups.start(params.id ?? '', key) } };
      },
    }),
    jsonRoute({
      method: 'post',
      path: '/file-backup-jobs/:id/enable',
      operationId: 'enableFileBackupJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Let the job and its copies start by themselves again.',
      status: 200,
      answer: fileBackupViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => ({ content: await fileBackups.setEnabled(params.id ?? '', true) }),
    }),
    jsonRoute({
      method: 'post',
      path: '/file-backup-jobs/:id/disable',
      operationId: 'disableFileBackupJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Keep the job and its copies from starting by themselves.',
      status: 200,
      answer: fileBackupViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => ({
        content: await fileBackups.setEnabled(params.id ?? '', false),
      }),
    }),
  ];
}

function definitionFrom(
  { secondaryTargets, healthCheck, ...request }: FileBackupRequest,
  defaultZone: string,
): Omit<FileBackupJob, 'revision'> {
  const timeZone = request.timeZone ?? defaultZone;
  return {
    ...request,
    timeZone,
    schedule: scheduleInZone(request.schedule, timeZone),
    healthCheck: healthCheck === null ? null : inZone(healthCheck, timeZone),
    secondaryTargets: secondaryTargets.map((target) => ({
      ...target,
      schedule: target.schedule === null ? null : scheduleInZone(target.schedule, timeZone),
      allowedHours: target.allowedHours === null ? null : inZone(target.allowedHours, timeZone),
    })),
  };
}

/** @throws JOB_RULE_BROKEN, JOB_KIND_WRONG with every fault in `details.errors` */
async function checkFileBackup(job: FileBackupJob, services: FileBackupServices): Promise<void> {
  refuseFaults([
    ...fileBackupFaults(job, services.repositories, services.primaryBackups),
    ...(await typeFaults(job, services)),
    ...(await startFaults(job, services)),
  ]);
}

/** Of targets whose copies start after another job, which may be the one of another target. */
async function startFaults(job: FileBackupJob, { jobs }: FileBackupServices): Promise<JobFault[]> {
  const copies = copyJobsOf(job);
  const definitionOf = async (id: string) =>
    copies.find((copy) => copy.id === id) ?? (await jobs.definition(id).catch(missingJob));
  const faults = copies.map(async (copy, index) =>
    (await predecessorFaults(copy, definitionOf)).map((fault) => ({
      ...fault,
      path: `secondaryTargets.${index}.${fault.path}`,
    })),
  );
  return (await Promise.all(faults)).flat();
}

/** What the source was seen to hold under this name, or is seen to hold now. What nobody can see, or what the first run is to make, is checked by each session. */
async function typeFaults(
  { source: { repositoryId, workload } }: FileBackupJob,
  { workloadTypes, seenWorkloads, repositories, browser }: FileBackupServices,
): Promise<JobFault[]> {
  if (!repositories.some(({ id }) => id === repositoryId)) return [];
  const seen =
    seenWorkloads(repositoryId)?.find(
      (each) => each.is === 'source' && isNamed([workload], each),
    ) ?? (await browser.named(repositoryId, workload))?.found[0];
  const type = workloadTypes.find(({ id }) => id === seen?.type);
  if (type === undefined || type.rules.job === 'fileBackup') return [];
  const message = otherJobText(type.title, type.rules.job);
  return [{ path: 'source.workload', message, isOfOtherKind: true }];
}
