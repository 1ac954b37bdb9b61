/** Copy jobs. */

import type { CopyJob, StartOverrides } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import { jobKind } from '../../domain/sources/workload-rules.js';
import {
  copyJobSchema,
  jobDefinitionSchema,
  jobImportSchema,
  jobPlanSchema,
  jobViewSchema,
  listedJobSchema,
  sessionStartedSchema,
  startOverridesSchema,
} from './job-schemas.js';
import type { FileBackupStore } from '../file-backups/file-backup-store.js';
import {
  changedDefinition,
  checkRules,
  newDefinition,
  type JobSurroundings,
} from './job-checks.js';
import { createdIn, revisionOf, withRevision } from './job-revision.js';
import {
  configuredRepository,
  type RepositoryBrowser,
} from '../repositories/repository-browser.js';
import { browsedPageSchema, cursorQuerySchema } from '../repositories/repository-schemas.js';
import { reachOf, refuseBeyond } from '../access/scope-reach.js';
import { faultsText, invalidRequest, jsonRoute, requestFaults, type Route } from '../route.js';
import { schemaWords } from '../schema-words.js';
import type { SessionStarter } from '../sessions/session-starter.js';

interface JobServices extends JobSurroundings {
  readonly fileBackups: FileBackupStore;
  readonly starter: SessionStarter;
  readonly browser: RepositoryBrowser;
  /** Of new jobs that name none. */
  readonly timeZone: string;
}

const IDEMPOTENCY_KEY_LENGTH = 255;

export function jobRoutes(services: JobServices): Route[] {
  return [
    ...readRoutes(services),
    createRoute(services),
    ...changeRoutes(services),
    importRoute(services),
    ...stateRoutes(services),
    ...runRoutes(services),
  ];
}

function readRoutes({ jobs }: JobServices): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/jobs',
      operationId: 'listJobs',
      needs: 'view',
      subject: 'site',
      summary: 'All copy jobs, by id; `unreadable` names what could not be asked.',
      status: 200,
      answer: browsedPageSchema(listedJobSchema),
      errors: ['TEMPORAL_UNREACHABLE'],
      run: async () => {
        const { items, unreadable } = await jobs.list();
        return { content: { items, ...(unreadable.length === 0 ? {} : { unreadable }) } };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/jobs/:id',
      operationId: 'getJob',
      needs: 'view',
      subject: 'job',
      summary: 'One job with its state.',
      status: 200,
      answer: jobViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => withRevision(await jobs.get(text(params.id))),
    }),
  ];
}

function createRoute(services: JobServices): Route {
  const { jobs, timeZone } = services;
  return jsonRoute({
    method: 'post',
    path: '/jobs',
    operationId: 'createJob',
    needs: 'administer',
    subject: 'site',
    summary: 'Create a copy job.',
    status: 201,
    body: jobDefinitionSchema,
    answer: jobViewSchema,
    errors: ['JOB_EXISTS', 'JOB_RULE_BROKEN', 'JOB_KIND_WRONG'],
    run: async ({ body }) => {
      const definition = newDefinition(body, timeZone);
      await checkRules(definition, services);
      return createdIn('/jobs', await jobs.create(definition));
    },
  });
}

function changeRoutes(services: JobServices): Route[] {
  const { jobs, fileBackups } = services;
  return [
    jsonRoute({
      method: 'put',
      path: '/jobs/:id',
      operationId: 'updateJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Replace the whole definition.',
      status: 200,
      headers: { 'If-Match': 'Revision that the change was made to (ETag of the job), or `*`.' },
      body: jobDefinitionSchema,
      answer: jobViewSchema,
      errors: [
        ...(['JOB_MISSING', 'JOB_REVISION_STALE', 'JOB_RULE_BROKEN'] as const),
        ...(['JOB_KIND_WRONG', 'JOB_OF_FILE_BACKUP'] as const),
      ],
      run: async ({ params, body, header, caller, noteBefore }) => {
        const id = text(params.id);
        const revision = revisionOf(header('If-Match'));
        // Before the rules: whoever names a job that is not there learns that first.
        const present = await jobs.definition(id);
        noteBefore(present);
        refuseBeyond(caller, reachOf(body), reachOf(present));
        await refuseOfFileBackup(present, fileBackups);
        refuseMirror(present);
        const definition = changedDefinition(present, body);
        await checkRules(definition, services);
        return withRevision(await jobs.update(definition, revision));
      },
    }),
    jsonRoute({
      method: 'delete',
      path: '/jobs/:id',
      operationId: 'deleteJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Delete the job. Its copies stay, and a running session goes on.',
      status: 204,
      answer: null,
      errors: ['JOB_MISSING', 'JOB_OF_FILE_BACKUP', 'JOB_FOLLOWED'],
      run: async ({ params, noteBefore }) => {
        const id = text(params.id);
        const present = await jobs.definition(id);
        // What its file-backup job has left behind is nobody else's.
        await refuseOfFileBackup(present, fileBackups);
        await jobs.assertNotFollowed([id]);
        noteBefore(present);
        return { content: await jobs.delete(id) };
      },
    }),
  ];
}

function importRoute(services: JobServices): Route {
  const { jobs, fileBackups, browser, repositories } = services;
  return jsonRoute({
    method: 'post',
    path: '/jobs/import',
    operationId: 'importJob',
    needs: 'administer',
    subject: 'site',
    summary: 'Take over a job that another server left in a target repository.',
    status: 201,
    body: jobImportSchema,
    answer: jobViewSchema,
    errors: [
      ...(['REPOSITORY_MISSING', 'REPOSITORY_UNREACHABLE', 'JOB_EXISTS'] as const),
      ...(['JOB_RULE_BROKEN', 'JOB_OF_FILE_BACKUP', 'JOB_KIND_WRONG'] as const),
    ],
    run: async ({ body }) => {
      configuredRepository(repositories, body.repositoryId);
      const found = importedDefinition(await browser.readJobDefinition(body));
      await refuseOfFileBackup(found, fileBackups);
      // Its file-backup job is gone, or that of another server: it goes on as a job of its own.
      const { fileBackupJobId: _gone, ...definition } = found;
      await checkRules(definition, services);
      return createdIn('/jobs', await jobs.takeIn(definition));
    },
  });
}

function stateRoutes({ jobs, fileBackups }: JobServices): Route[] {
  return [
    jsonRoute({
      method: 'post',
      path: '/jobs/:id/enable',
      operationId: 'enableJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Let the job start by itself again.',
      status: 200,
      answer: jobViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => ({ content: await jobs.enable(text(params.id)) }),
    }),
    jsonRoute({
      method: 'post',
      path: '/jobs/:id/disable',
      operationId: 'disableJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Keep the job from starting by itself; it can be started by hand.',
      status: 200,
      answer: jobViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => ({ content: await jobs.disable(text(params.id)) }),
    }),
    jsonRoute({
      method: 'post',
      path: '/jobs/:id/replacement',
      operationId: 'replaceJob',
      needs: 'administer',
      subject: 'job',
      // It makes a job that nobody's token is for.
      reachesOutside: true,
      summary:
        'After a recreated source chain: a new job with the same definition and a new chain. The old one is disabled and keeps its chain; what started after it starts after the new one.',
      status: 201,
      answer: jobViewSchema,
      errors: ['JOB_MISSING', 'JOB_NOT_REPLACEABLE', 'JOB_OF_FILE_BACKUP'],
      run: async ({ params }) => {
        const id = text(params.id);
        // Its file-backup job would go on with the old one, and nobody could change the new one.
        const present = await jobs.definition(id);
        await refuseOfFileBackup(present, fileBackups);
        const made = await jobs.replace(id);
        await moveFollowers(id, made.id, { jobs, fileBackups });
        return createdIn('/jobs', made);
      },
    }),
  ];
}

function runRoutes({ jobs, starter, browser }: JobServices): Route[] {
  return [
    jsonRoute({
      method: 'post',
      path: '/jobs/:id/start',
      operationId: 'startJob',
      needs: 'operate',
      subject: 'job',
      // As for copies that are mapped.
      fieldsNeed: { takeOver: 'administer' },
      summary: 'Start a session now.',
      status: 202,
      headers: { 'Idempotency-Key': 'A repeat with the same key gives the first answer.' },
      body: startOverridesSchema,
      answer: sessionStartedSchema,
      errors: ['JOB_MISSING', 'JOB_BUSY'],
      run: async ({ params, body, header, caller }) => {
        const key = idempotencyKey(header('Idempotency-Key'));
        const job = await jobs.definition(text(params.id));
        checkSize(job, body);
        return { content: { sessionId: await starter.start(job, body, key, caller.name) } };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/jobs/:id/plan',
      operationId: 'planJob',
      needs: 'view',
      subject: 'job',
      summary: 'What a session started now would copy, page by page; nothing is written.',
      query: cursorQuerySchema,
      status: 200,
      answer: jobPlanSchema,
      errors: [
        ...(['JOB_MISSING', 'REPOSITORY_UNREACHABLE', 'REQUEST_INVALID'] as const),
        'COPIES_OF_OTHER_JOB',
      ],
      run: async ({ params, query }) => ({
        content: await browser.plan(await jobs.definition(text(params.id)), query.cursor),
      }),
    }),
  ];
}

/** The old one never starts again, and what follows it would not either. A repeat moves those that are left. */
async function moveFollowers(
  jobId: string,
  nextId: string,
  { jobs, fileBackups }: Pick<JobServices, 'jobs' | 'fileBackups'>,
): Promise<void> {
  for (const follower of await jobs.followersOf(jobId)) {
    if (await fileBackups.isCopyOf(follower))
      await fileBackups.followInstead(follower.fileBackupJobId!, jobId, nextId);
    else await jobs.followInstead(follower.id, jobId, nextId);
  }
}

/** What a session carries from run to run: its definition, its overrides and its tasks, together in one payload of at most 2 MiB. */
const MAX_INPUT_BYTES = 1_400_000;

/** @throws REQUEST_INVALID */
function checkSize(job: CopyJob, overrides: StartOverrides): void {
  const bytes = jsonBytes(job) + jsonBytes(overrides);
  if (bytes <= MAX_INPUT_BYTES) return;
  const message = `the job and what this start changes have ${bytes} bytes together, at most ${MAX_INPUT_BYTES} fit into a session: name fewer workloads`;
  throw invalidRequest([{ path: 'workloads', message }]);
}

/** @throws JOB_OF_FILE_BACKUP */
async function refuseOfFileBackup(
  job: Pick<CopyJob, 'id' | 'fileBackupJobId'>,
  fileBackups: Pick<FileBackupStore, 'isCopyOf'>,
): Promise<void> {
  if (!(await fileBackups.isCopyOf(job))) return;
  throw new BackupError(
    'JOB_OF_FILE_BACKUP',
    `job ${job.id} is a secondary target of file-backup job ${job.fileBackupJobId}`,
  );
}

/** The definition of a mirror is shorter, and its rules are others. @throws JOB_KIND_WRONG */
function refuseMirror(job: CopyJob): void {
  if (jobKind(job) !== 'mirror') return;
  throw new BackupError('JOB_KIND_WRONG', `job ${job.id} is a mirror job`);
}

/** What lies in a repository may have been changed by hand. */
function importedDefinition(found: unknown): Omit<CopyJob, 'replaces' | 'once'> {
  const parsed = copyJobSchema.safeParse(found, { error: schemaWords });
  if (!parsed.success)
    throw new BackupError(
      'JOB_RULE_BROKEN',
      `the definition in the repository is not valid: ${faultsText(requestFaults(parsed.error, ''))}`,
    );
  const { replaces: _replaces, once, detached, ...definition } = parsed.data;
  if (once !== undefined)
    throw new BackupError('JOB_KIND_WRONG', `${definition.id} is a one-time copy, and no job`);
  if (detached !== undefined)
    throw new BackupError(
      'JOB_KIND_WRONG',
      `${definition.id} was detached from job ${detached.fromJobId}: let a job go on with it (\`longhaul job map\`)`,
    );
  return definition;
}

/** @throws REQUEST_INVALID */
export function idempotencyKey(header: string | undefined): string | null {
  if (header === undefined) return null;
  if (header !== '' && header.length <= IDEMPOTENCY_KEY_LENGTH) return header;
  throw invalidRequest([
    { path: 'Idempotency-Key', message: `must have 1 to ${IDEMPOTENCY_KEY_LENGTH} characters` },
  ]);
}

function text(param: string | undefined): string {
  return param ?? '';
}
