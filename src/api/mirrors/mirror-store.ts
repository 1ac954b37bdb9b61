/** Mirror jobs are jobs of a kind of their own, kept with all others. Those that are made or changed through this process come one after the other, so
 *  that of two which do not go together one is refused. */

import type { CopyJob } from '../../domain/jobs/copy-job.js';
import { BackupError } from '../../domain/errors.js';
import {
  copyJobOfMirror,
  mirrorFaults,
  mirrorOf,
  type MirrorJob,
} from '../../domain/jobs/mirror-job.js';
import type { JobRepository } from '../../domain/jobs/job-rules.js';
import { jobKind } from '../../domain/sources/workload-rules.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import { InTurn } from '../executions/in-turn.js';
import { missingJob, otherJobs, predecessorFaults, refuseFaults } from '../jobs/job-checks.js';
import type { JobView, UnreadJob } from '../jobs/job-schemas.js';
import type { JobStore } from '../jobs/job-store.js';
import type { MirrorJobView } from './mirror-schemas.js';

export class MirrorStore {
  readonly #jobs: JobStore;
  readonly #repositories: readonly JobRepository[];
  readonly #writes = new InTurn();
  /** What was written here: the list of jobs may not have it yet. */
  readonly #written = new Set<string>();

  constructor(jobs: JobStore, repositories: readonly JobRepository[]) {
    this.#jobs = jobs;
    this.#repositories = repositories;
  }

  /** By id. Of a job that was not read nobody knows whether it is a mirror job: it is named as `unreadable`. */
  async list(): Promise<{ items: MirrorJobView[]; unreadable: UnreadablePart[] }> {
    const { items, unreadable } = await this.#jobs.list();
    return {
      items: items.flatMap((job) =>
        job.state !== 'unknown' && jobKind(job) === 'mirror' ? [viewOf(job)] : [],
      ),
      unreadable: [
        ...unreadable,
        ...items.flatMap((job) => (job.state === 'unknown' ? [unreadJob(job)] : [])),
      ],
    };
  }

  /** @throws JOB_MISSING */
  async get(id: string): Promise<MirrorJobView> {
    const job = await this.#jobs.get(id);
    if (jobKind(job) !== 'mirror') throw missing(id);
    return viewOf(job);
  }

  /** @throws JOB_EXISTS, JOB_RULE_BROKEN with every fault in `details.errors` */
  create(job: Omit<MirrorJob, 'revision'>): Promise<MirrorJobView> {
    return this.#writes.run(async () => {
      await this.#check({ ...job, revision: 1 });
      const made = await this.#jobs.create(copyJobOfMirror(job));
      this.#written.add(job.id);
      return viewOf(made);
    });
  }

  /** @param revision the one the client has seen; null: whatever it is
   *  @throws JOB_MISSING, JOB_REVISION_STALE, JOB_RULE_BROKEN with every fault in `details.errors` */
  update(job: Omit<MirrorJob, 'revision'>, revision: number | null): Promise<MirrorJobView> {
    return this.#writes.run(async () => {
      const present = await this.get(job.id);
      await this.#check({ ...job, revision: present.revision });
      this.#written.add(job.id);
      return viewOf(await this.#jobs.update(copyJobOfMirror(job), revision));
    });
  }

  /** What it copied stays, and a running session goes on. @throws JOB_MISSING, JOB_FOLLOWED */
  async delete(id: string): Promise<void> {
    await this.get(id);
    await this.#jobs.assertNotFollowed([id]);
    await this.#jobs.delete(id);
  }

  async #check(job: MirrorJob): Promise<void> {
    const listed = await otherJobs(job.id, this.#jobs);
    const known = new Set([job.id, ...listed.map(({ id }) => id)]);
    const unlisted: CopyJob[] = [];
    for (const id of this.#written) {
      if (known.has(id)) continue;
      const written = await this.#jobs.definition(id).catch(missingJob);
      if (written === null) this.#written.delete(id);
      else unlisted.push(written);
    }
    refuseFaults([
      ...mirrorFaults(job, this.#repositories, [...listed, ...unlisted]),
      ...(await predecessorFaults(copyJobOfMirror(job), (id) =>
        this.#jobs.definition(id).catch(missingJob),
      )),
    ]);
  }
}

function unreadJob({ id, reason }: UnreadJob): UnreadablePart {
  return {
    ...{ path: `jobs/${id}`, code: 'TEMPORAL_UNREACHABLE' },
    reason: `whether ${id} is a mirror job is not known: ${reason}`,
  };
}

function viewOf(job: JobView): MirrorJobView {
  const { state, nextRunAt, lastSession } = job;
  return { ...mirrorOf(job), state, nextRunAt, lastSession };
}

function missing(id: string): BackupError {
  return new BackupError('JOB_MISSING', `no mirror job ${id}`);
}
