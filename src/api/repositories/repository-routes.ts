/** Repositories, what lies in them, and verification and restore of it. */

import { isAbsolute, relative, resolve } from 'node:path';
import type { Client } from '@temporalio/client';
import type { RepositoryConfig } from '../../config/config.js';
import { folderOf, ownSettings, placeOf, sharedSettings } from '../../config/repository-storage.js';
import type { Permission } from '../../domain/access/access.js';
import { BackupError } from '../../domain/errors.js';
import type { BrowsePage } from '../../domain/targets/repository-view.js';
import { WORKLOAD_ID_LENGTH } from '../../domain/sources/workload-id.js';
import { repositoryTaskQueue } from '../../../workflows/messages.js';
import { pageSchema } from '../field-schemas.js';
import { operationRoutes } from '../operations/operation-routes.js';
import type { OperationStore } from '../operations/operation-store.js';
import {
  configuredRepository,
  type DescribingLook,
  type RepositoryBrowser,
} from './repository-browser.js';
import {
  browsedPageSchema,
  cursorQuerySchema,
  operationStartedSchema,
  removeRequestSchema,
  repositoryViewSchema,
  restorePointQuerySchema,
  restorePointSchema,
  restoreRequestSchema,
  storedJobSchema,
  workloadSchema,
  type RepositoryView,
} from './repository-schemas.js';
import { missingJob } from '../jobs/job-checks.js';
import type { JobStore } from '../jobs/job-store.js';
import { withoutOldReasons } from './points-left.js';
import { jsonRoute, type Route } from '../route.js';
import { startedOperation } from '../operations/started-operation.js';
import { workerPresence } from '../executions/worker-presence.js';

interface RepositoryServices {
  readonly jobs: Pick<JobStore, 'definition'>;
  readonly client: Client;
  readonly browser: RepositoryBrowser;
  readonly operations: OperationStore;
  readonly repositories: readonly RepositoryConfig[];
  readonly now: () => number;
}

/** Longest id of a copy that can exist: `%`, `:` and `/` in the id of its workload take three characters each (`WORKLOAD_ID_LENGTH`), a job and a
 *  date a hundred. It is part of a workflow id. */
const RESTORE_POINT_ID_LENGTH = 3 * WORKLOAD_ID_LENGTH + 100;

export function repositoryRoutes(services: RepositoryServices): Route[] {
  return [
    ...browseRoutes(services),
    ...contentRoutes(services),
    ...verifyRoutes(services),
    ...restoreRoutes(services),
    removeRoute(services),
    ...operationRoutes(services.operations),
  ];
}

/** What lies in one repository. */
function contentRoutes({ browser, jobs, repositories }: RepositoryServices): Route[] {
  const known = (id: string | undefined) => configuredRepository(repositories, id ?? '');
  return [
    jsonRoute({
      method: 'get',
      path: '/repositories/:id/workloads',
      operationId: 'listWorkloads',
      needs: 'view',
      subject: 'repository',
      summary: 'Workloads that have restore points in the repository.',
      status: 200,
      query: cursorQuerySchema,
      answer: browsedPageSchema(workloadSchema),
      errors: ['REPOSITORY_MISSING', 'REPOSITORY_UNREACHABLE'],
      run: async ({ params, query }) => {
        const page = await browser.workloads(known(params.id).id, query.cursor);
        return { content: browsedPage(page) };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/repositories/:id/jobs',
      operationId: 'listStoredJobs',
      needs: 'view',
      subject: 'repository',
      summary:
        'Jobs whose definition and data lie in the repository: what `POST /jobs/import` can go on with.',
      status: 200,
      query: cursorQuerySchema,
      answer: browsedPageSchema(storedJobSchema),
      errors: ['REPOSITORY_MISSING', 'REPOSITORY_UNREACHABLE'],
      run: async ({ params, query }) => {
        const page = await browser.storedJobs(known(params.id).id, query.cursor);
        return { content: browsedPage(page) };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/repositories/:id/restore-points',
      operationId: 'listRestorePoints',
      needs: 'view',
      subject: 'repository',
      summary: 'Restore points of one workload, or of all, oldest first.',
      status: 200,
      query: restorePointQuerySchema,
      answer: browsedPageSchema(restorePointSchema),
      errors: ['REPOSITORY_MISSING', 'REPOSITORY_UNREACHABLE', 'WORKLOAD_MISSING'],
      run: async ({ params, query }) => {
        const { id } = known(params.id);
        const page = await browser.restorePoints(id, query);
        const items = await withoutOldReasons(page.items, id, async (jobId) => {
          const job = await jobs.definition(jobId).catch(missingJob);
          return job?.target.repositoryId ?? null;
        });
        return { content: browsedPage({ ...page, items }) };
      },
    }),
  ];
}

function browsedPage<Item>({ items, unreadable, ...rest }: BrowsePage<Item>) {
  return {
    ...rest,
    items: [...items],
    ...(unreadable === undefined ? {} : { unreadable: [...unreadable] }),
  };
}

function browseRoutes(services: RepositoryServices): Route[] {
  const { repositories } = services;
  return [
    jsonRoute({
      method: 'get',
      path: '/repositories',
      operationId: 'listRepositories',
      needs: 'view',
      subject: 'site',
      summary: 'The configured repositories, whether a worker reaches them, and their room.',
      status: 200,
      answer: pageSchema(repositoryViewSchema),
      errors: [],
      run: async () => ({
        content: {
          items: await Promise.all(repositories.map((entry) => view(services, entry, 'list'))),
        },
      }),
    }),
    lookRoute(services, {
      name: 'rescan',
      operationId: 'rescanRepository',
      needs: 'operate',
      summary: 'Read again what is in the repository.',
      what: 'describe',
    }),
    lookRoute(services, {
      name: 'check',
      operationId: 'checkRepository',
      needs: 'operate',
      summary:
        'Try again what the storage of a target can do, in a folder that is removed afterwards.',
      what: 'check',
    }),
    lookRoute(services, {
      name: 'accept',
      operationId: 'acceptRepository',
      needs: 'administer',
      summary:
        'Take what lies in the folder of a target now for that target, although another one was seen there before.',
      what: 'accept',
    }),
  ];
}

function lookRoute(
  services: RepositoryServices,
  look: {
    name: string;
    operationId: string;
    needs: Permission;
    summary: string;
    what: DescribingLook;
  },
): Route {
  const { name, operationId, needs, summary, what } = look;
  return jsonRoute({
    method: 'post',
    path: `/repositories/:id/${name}`,
    operationId,
    needs,
    subject: 'repository',
    summary,
    status: 200,
    answer: repositoryViewSchema,
    errors: ['REPOSITORY_MISSING'],
    run: async ({ params }) => {
      const repository = configuredRepository(services.repositories, params.id ?? '');
      return { content: await view(services, repository, what) };
    },
  });
}

function verifyRoutes({ operations, repositories }: RepositoryServices): Route[] {
  const known = (id: string | undefined) => configuredRepository(repositories, id ?? '');
  return [
    jsonRoute({
      method: 'post',
      path: '/repositories/:id/verify',
      operationId: 'verifyRepository',
      needs: 'operate',
      subject: 'repository',
      summary: 'Read every restore point of the repository and compare it with its digests.',
      status: 202,
      answer: operationStartedSchema,
      errors: ['REPOSITORY_MISSING'],
      run: async ({ params }) =>
        startedOperation(
          await operations.verify({ repositoryId: known(params.id).id, restorePointId: null }),
        ),
    }),
    jsonRoute({
      method: 'post',
      path: '/repositories/:id/restore-points/:restorePointId/verify',
      operationId: 'verifyRestorePoint',
      needs: 'operate',
      subject: 'repository',
      summary: 'Read one restore point and compare it with its digests.',
      status: 202,
      answer: operationStartedSchema,
      errors: ['REPOSITORY_MISSING', 'RESTORE_POINT_MISSING'],
      run: async ({ params }) =>
        startedOperation(
          await operations.verify({
            repositoryId: known(params.id).id,
            restorePointId: restorePointIdOf(params.restorePointId),
          }),
        ),
    }),
  ];
}

function restoreRoutes({ operations, repositories }: RepositoryServices): Route[] {
  return [
    jsonRoute({
      method: 'post',
      path: '/repositories/:id/restore-points/:restorePointId/restore',
      operationId: 'restore',
      needs: 'restore',
      subject: 'repository',
      summary:
        'Write one restore point into a folder: disks as whole images, or the files of a database, share or store.',
      status: 202,
      body: restoreRequestSchema,
      answer: operationStartedSchema,
      errors: ['REPOSITORY_MISSING', 'RESTORE_POINT_MISSING', 'RESTORE_DESTINATION_INVALID'],
      run: async ({ params, body }) =>
        startedOperation(
          await operations.restore({
            repositoryId: configuredRepository(repositories, params.id ?? '').id,
            restorePointId: restorePointIdOf(params.restorePointId),
            destinationPath: checkedDestination(body.destination.path, repositories),
            format: body.format,
            layout: body.layout,
            intoExisting: body.intoExisting,
            ...(body.disks === undefined ? {} : { disks: body.disks }),
          }),
        ),
    }),
  ];
}

function removeRoute({ operations, repositories }: RepositoryServices): Route {
  return jsonRoute({
    method: 'post',
    path: '/repositories/:id/restore-points/:restorePointId/remove',
    operationId: 'removeRestorePoint',
    needs: 'administer',
    subject: 'repository',
    summary:
      'Take one copy out of its chain, for good or into its quarantine. Its source point is not copied again.',
    status: 202,
    body: removeRequestSchema,
    answer: operationStartedSchema,
    errors: ['REPOSITORY_MISSING', 'RESTORE_POINT_MISSING'],
    run: async ({ params, body }) =>
      startedOperation(
        await operations.remove({
          repositoryId: configuredRepository(repositories, params.id ?? '').id,
          restorePointId: restorePointIdOf(params.restorePointId),
          ...body,
        }),
      ),
  });
}

async function view(
  { client, browser, now }: RepositoryServices,
  repository: RepositoryConfig,
  what: DescribingLook | 'list',
): Promise<RepositoryView> {
  const { id } = repository;
  const [description, { usedSlots }] = await Promise.all([
    what === 'list' ? browser.describeSoon(id) : browser.describe(id, what),
    // Not known is a value of its own.
    workerPresence(client, repositoryTaskQueue(id), now()).catch(() => ({ usedSlots: null })),
  ]);
  return {
    ...sharedSettings(repository),
    ...{ place: placeOf(repository), folder: folderOf(repository) },
    ...{ settings: ownSettings(repository), usedSlots, ...description },
  };
}

function restorePointIdOf(param: string | undefined): string {
  if (param === undefined || param.length > RESTORE_POINT_ID_LENGTH || /[\p{Cc}/]/u.test(param)) {
    throw new BackupError('RESTORE_POINT_MISSING', 'no restore point has such an id');
  }
  return param;
}

/** A restore must not write among the backups. The worker checks the folder itself. */
function checkedDestination(path: string, repositories: readonly RepositoryConfig[]): string {
  const destination = resolve('/', path);
  const holder = repositories.find((entry) => {
    const folder = folderOf(entry);
    return folder !== null && contains(folder, destination);
  });
  const problem = !isAbsolute(path)
    ? `${path} is not an absolute path`
    : path.includes('\0')
      ? 'a path cannot hold a NUL character'
      : holder && `${path} lies in repository ${holder.id}`;
  if (problem === undefined) return destination;
  throw new BackupError('RESTORE_DESTINATION_INVALID', problem);
}

function contains(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith('../') && !isAbsolute(way));
}
