/** Mirror jobs: appliances that are copied file by file. They are started, enabled and disabled as the jobs that they are. */

import type { MirrorJob } from '../../domain/jobs/mirror-job.js';
import { createdIn, refuseOtherId, revisionOf, withRevision } from '../jobs/job-revision.js';
import { inZone, scheduleInZone } from '../jobs/job-time-zone.js';
import { mirrorRequestSchema, mirrorViewSchema, type MirrorRequest } from './mirror-schemas.js';
import type { MirrorStore } from './mirror-store.js';
import { reachOf, refuseBeyond } from '../access/scope-reach.js';
import { browsedPageSchema } from '../repositories/repository-schemas.js';
import { jsonRoute, type Route } from '../route.js';

interface MirrorServices {
  readonly mirrors: MirrorStore;
  /** Of new jobs that name none. */
  readonly timeZone: string;
}

export function mirrorRoutes(services: MirrorServices): Route[] {
  return [...readRoutes(services), createRoute(services), ...changeRoutes(services)];
}

function readRoutes({ mirrors }: MirrorServices): Route[] {
  return [
    jsonRoute({
      method: 'get',
      path: '/mirror-jobs',
      operationId: 'listMirrorJobs',
      needs: 'view',
      subject: 'site',
      summary: 'All mirror jobs, by id; `unreadable` names what could not be asked.',
      status: 200,
      answer: browsedPageSchema(mirrorViewSchema),
      errors: ['TEMPORAL_UNREACHABLE'],
      run: async () => {
        const { items, unreadable } = await mirrors.list();
        return { content: { items, ...(unreadable.length === 0 ? {} : { unreadable }) } };
      },
    }),
    jsonRoute({
      method: 'get',
      path: '/mirror-jobs/:id',
      operationId: 'getMirrorJob',
      needs: 'view',
      subject: 'job',
      summary: 'One mirror job with its state.',
      status: 200,
      answer: mirrorViewSchema,
      errors: ['JOB_MISSING'],
      run: async ({ params }) => withRevision(await mirrors.get(params.id ?? '')),
    }),
  ];
}

function createRoute({ mirrors, timeZone }: MirrorServices): Route {
  return jsonRoute({
    method: 'post',
    path: '/mirror-jobs',
    operationId: 'createMirrorJob',
    needs: 'administer',
    subject: 'site',
    summary: 'Create a mirror job. It is started, enabled and disabled as the job with its id.',
    status: 201,
    body: mirrorRequestSchema,
    answer: mirrorViewSchema,
    errors: ['JOB_EXISTS', 'JOB_RULE_BROKEN'],
    run: async ({ body }) => {
      const made = await mirrors.create(definitionFrom(body, timeZone));
      return createdIn('/mirror-jobs', made);
    },
  });
}

function changeRoutes({ mirrors }: MirrorServices): Route[] {
  return [
    jsonRoute({
      method: 'put',
      path: '/mirror-jobs/:id',
      operationId: 'updateMirrorJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Replace the whole definition. Files that went to another target stay there.',
      status: 200,
      headers: { 'If-Match': 'Revision that the change was made to (ETag of the job), or `*`.' },
      body: mirrorRequestSchema,
      answer: mirrorViewSchema,
      errors: ['JOB_MISSING', 'JOB_REVISION_STALE', 'JOB_RULE_BROKEN'],
      run: async ({ params, body, header, caller, noteBefore }) => {
        const revision = revisionOf(header('If-Match'));
        const present = await mirrors.get(params.id ?? '');
        noteBefore(present);
        refuseBeyond(caller, reachOf(body), reachOf(present));
        refuseOtherId(body, present);
        const job = definitionFrom(body, present.timeZone);
        return withRevision(await mirrors.update(job, revision));
      },
    }),
    jsonRoute({
      method: 'delete',
      path: '/mirror-jobs/:id',
      operationId: 'deleteMirrorJob',
      needs: 'administer',
      subject: 'job',
      summary: 'Delete the job. What it copied stays, and a running session goes on.',
      status: 204,
      answer: null,
      errors: ['JOB_MISSING', 'JOB_FOLLOWED'],
      run: async ({ params, noteBefore }) => {
        const id = params.id ?? '';
        noteBefore(await mirrors.get(id));
        return { content: await mirrors.delete(id) };
      },
    }),
  ];
}

function definitionFrom(request: MirrorRequest, defaultZone: string): Omit<MirrorJob, 'revision'> {
  const { schedule, allowedHours, healthCheck } = request;
  const timeZone = request.timeZone ?? defaultZone;
  return {
    ...{ ...request, timeZone },
    schedule: schedule === null ? null : scheduleInZone(schedule, timeZone),
    allowedHours: allowedHours === null ? null : inZone(allowedHours, timeZone),
    healthCheck: healthCheck === null ? null : inZone(healthCheck, timeZone),
  };
}
