/** Silences: problems that are told to nobody for a while. The watch holds them, and ends them by itself. */

import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import { z } from 'zod';
import { BackupError, isBackupError } from '../../domain/errors.js';
import { SAFETY_CODES, type SafetyCode } from '../../domain/safety/safety-codes.js';
import { MAX_SILENCE_HOURS, type Silence } from '../../domain/notices/silence.js';
import {
  endSilenceUpdate,
  silencesQuery,
  silenceUpdate,
  WATCH_SAFETY_ID,
} from '../../../workflows/messages.js';
import { instant, pageSchema, slug } from '../field-schemas.js';
import type { FileBackupStore } from '../file-backups/file-backup-store.js';
import type { JobStore } from '../jobs/job-store.js';
import { jsonRoute, type Route } from '../route.js';
import { HOUR_MS } from '../../domain/elapsed.js';

const codes = z.enum(Object.keys(SAFETY_CODES) as [SafetyCode, ...SafetyCode[]]);
const wishFields = {
  jobId: slug.nullable().default(null).meta({
    description: 'Only problems of this job; null: of everything.',
  }),
  code: codes.nullable().default(null).meta({
    description: 'Only problems of this code; null: of every code.',
  }),
  reason: z.string().trim().min(1).max(500),
};

const silenceSchema: z.ZodType<Silence> = z
  .object({
    id: z.string(),
    ...wishFields,
    createdBy: z.string(),
    createdAt: instant,
    until: instant,
  })
  .meta({ id: 'Silence' });

const requestSchema = z
  .strictObject({
    hours: z.number().min(0.1).max(MAX_SILENCE_HOURS).meta({
      description: 'After so long it ends by itself, and what is wrong then is told.',
    }),
    ...wishFields,
  })
  .meta({ id: 'SilenceRequest' });

interface SilenceServices {
  readonly client: Client;
  readonly jobs: Pick<JobStore, 'definition'>;
  readonly fileBackups: Pick<FileBackupStore, 'definition'>;
  readonly now: () => number;
}

export function silenceRoutes({ client, jobs, fileBackups, now }: SilenceServices): Route[] {
  const watch = () => client.workflow.getHandle(WATCH_SAFETY_ID);
  return [
    listRoute(watch),
    createRoute(watch, (id) => assertJob(id, { jobs, fileBackups }), now),
    endRoute(watch),
  ];
}

function listRoute(watch: () => WorkflowHandle): Route {
  return jsonRoute({
    method: 'get',
    path: '/silences',
    operationId: 'listSilences',
    needs: 'view',
    subject: 'site',
    summary: 'Problems that are told to nobody for a while. They are on the Overview all the same.',
    status: 200,
    answer: pageSchema(silenceSchema),
    errors: [],
    run: async () => {
      const items = await watch().query(silencesQuery).catch(noWatch<readonly Silence[]>([]));
      return { content: { items: [...items] } };
    },
  });
}

/** @throws JOB_MISSING */
async function assertJob(
  id: string,
  { jobs, fileBackups }: Pick<SilenceServices, 'jobs' | 'fileBackups'>,
): Promise<void> {
  await jobs.definition(id).catch(async (error: unknown) => {
    if (!isBackupError(error, 'JOB_MISSING')) throw error;
    await fileBackups.definition(id).catch((other: unknown) => {
      // It is neither: a copy job is what most are.
      throw isBackupError(other, 'JOB_MISSING') ? error : other;
    });
  });
}

function createRoute(
  watch: () => WorkflowHandle,
  assertThere: (jobId: string) => Promise<void>,
  now: () => number,
): Route {
  return jsonRoute({
    method: 'post',
    path: '/silences',
    operationId: 'createSilence',
    needs: 'operate',
    subject: 'site',
    summary: 'Tell nobody of some problems for a while.',
    status: 201,
    body: requestSchema,
    answer: silenceSchema,
    errors: ['CHANNEL_MISSING', 'JOB_MISSING'],
    run: async ({ body: { hours, ...wish }, caller }) => {
      // One for a name that was mistyped is silent about nothing.
      if (wish.jobId !== null) await assertThere(wish.jobId);
      const nowMs = now();
      const silence: Silence = {
        ...{ id: randomUUID().slice(0, 8), ...wish, createdBy: caller.name },
        createdAt: new Date(nowMs).toISOString(),
        until: new Date(nowMs + hours * HOUR_MS).toISOString(),
      };
      await watch()
        .executeUpdate(silenceUpdate, { args: [silence] })
        .catch(noWatch(null));
      return { content: silence };
    },
  });
}

function endRoute(watch: () => WorkflowHandle): Route {
  return jsonRoute({
    method: 'delete',
    path: '/silences/:id',
    operationId: 'endSilence',
    needs: 'operate',
    subject: 'site',
    summary: 'End a silence before its time: what is wrong is told with the next look.',
    status: 204,
    answer: null,
    errors: ['CHANNEL_MISSING'],
    run: async ({ params }) => {
      await watch()
        .executeUpdate(endSilenceUpdate, { args: [params.id ?? ''] })
        .catch(noWatch(null));
      return { content: null };
    },
  });
}

/** @param otherwise what holds without a watch; null: CHANNEL_MISSING, because without a channel nobody is told anything anyway */
function noWatch<Otherwise>(otherwise: Otherwise): (error: unknown) => NonNullable<Otherwise> {
  return (error) => {
    if (!(error instanceof WorkflowNotFoundError)) throw error;
    if (otherwise !== null && otherwise !== undefined) return otherwise;
    throw new BackupError('CHANNEL_MISSING', 'no notification channel is configured', {
      cause: error,
      hint: 'Nobody is told anything: there is nothing to be silent about.',
    });
  };
}
