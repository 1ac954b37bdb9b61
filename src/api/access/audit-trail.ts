/** Audit lines go to the log, and beside the data of what they are about: through Temporal, so that they wait for a target that is away. */

import type { Client } from '@temporalio/client';
import type { AuditLine, AuditPlace } from '../../domain/access/audit.js';
import { jobOfSession, repositoryOfOperation, type Subject } from '../../domain/access/access.js';
import { isBackupError } from '../../domain/errors.js';
import {
  auditSignal,
  auditWorkflowId,
  CONTROL_TASK_QUEUE,
  WORKFLOW_KEEP_AUDIT,
} from '../../../workflows/messages.js';
import type { Logger } from '../api-dependencies.js';

interface AuditTrailParts {
  readonly client: Client;
  readonly logger: Logger;
  /** Targets of a job of any kind. @throws JOB_MISSING */
  readonly targetsOfJob: (jobId: string) => Promise<readonly string[]>;
  /** Configured ones. */
  readonly targetIds: readonly string[];
}

export class AuditTrail {
  readonly #parts: AuditTrailParts;

  constructor(parts: AuditTrailParts) {
    this.#parts = parts;
  }

  /** Beside which data the line of a request belongs; of a job that is about to go it is asked before. */
  async placesOf(subject: Subject, id: string): Promise<AuditPlace[]> {
    if (subject === 'repository') return this.#placeOfTarget(id);
    if (subject === 'operation') return this.#placeOfTarget(repositoryOfOperation(id));
    if (subject === 'job') return this.#placesOfJob(id);
    if (subject === 'session') return this.#placesOfJob(jobOfSession(id));
    // What is of no single place lies in all of them: any one of them may be what is left.
    return subject === 'site' ? this.#parts.targetIds.map(wholeOf) : [];
  }

  /** Of a job that was just made.
   *  @param body of the request: it names the targets
   *  @param before places of the job that it replaces */
  placesOfMade(jobId: string, body: unknown, before: readonly AuditPlace[]): AuditPlace[] {
    const { target, secondaryTargets = [], repositoryId } = (body ?? {}) as MadeOf;
    const named = [target?.repositoryId, repositoryId];
    return this.#placesIn([...named, ...secondaryTargets.map(idOf), ...before.map(idOf)], jobId);
  }

  async keep(line: AuditLine, places: readonly AuditPlace[]): Promise<void> {
    const { client, logger } = this.#parts;
    const { id: _id, at: _at, subject, ...rest } = line;
    logger.info({ audit: subject === null ? rest : { ...rest, subject } }, 'audit');
    for (const { repositoryId, jobId } of places)
      try {
        await client.workflow.signalWithStart(WORKFLOW_KEEP_AUDIT, {
          workflowId: auditWorkflowId(repositoryId),
          taskQueue: CONTROL_TASK_QUEUE,
          args: [{ repositoryId }],
          signal: auditSignal,
          signalArgs: [{ ...line, jobId }],
          staticSummary: `audit lines of ${repositoryId}`,
        });
      } catch (err) {
        logger.warn(
          { err, repositoryId, jobId, line: line.id },
          'audit line not kept beside the data',
        );
      }
  }

  #placesIn(named: readonly (string | undefined)[], jobId: string): AuditPlace[] {
    return this.#parts.targetIds
      .filter((id) => named.includes(id))
      .map((repositoryId) => ({ repositoryId, jobId }));
  }

  #placeOfTarget(id: string): AuditPlace[] {
    return this.#parts.targetIds.includes(id) ? [{ repositoryId: id, jobId: null }] : [];
  }

  async #placesOfJob(jobId: string): Promise<AuditPlace[]> {
    const { targetsOfJob, logger } = this.#parts;
    try {
      return this.#placesIn(await targetsOfJob(jobId), jobId);
    } catch (err) {
      if (!isBackupError(err, 'JOB_MISSING'))
        logger.warn({ err, jobId }, 'where the audit line of a job belongs could not be read');
      return [];
    }
  }
}

/** What definitions of jobs of any kind, and orders to take one over, say of their targets. */
interface MadeOf {
  readonly target?: Named;
  readonly secondaryTargets?: readonly Named[];
  readonly repositoryId?: string;
}

interface Named {
  readonly repositoryId: string;
}

function wholeOf(repositoryId: string): AuditPlace {
  return { repositoryId, jobId: null };
}

function idOf({ repositoryId }: Named): string {
  return repositoryId;
}

/** Of the answer to a request that made a job (`Location`); null: it made none. */
export function madeJob(location: string | undefined): string | null {
  return (
    /\/(?:jobs|mirror-jobs|file-backup-jobs|one-time-copies)\/([a-z0-9-]+)$/.exec(
      location ?? '',
    )?.[1] ?? null
  );
}
