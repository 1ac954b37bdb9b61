/** What lies in the repositories. The API has no access to storage: a short workflow looks, near the repository, and returns one page. */

import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import type { RepositoryConfig } from '../../config/config.js';
import type { AuditEntry, AuditFilter } from '../../domain/access/audit.js';
import type { CopyJob } from '../../domain/jobs/copy-job.js';
import type { CopySession, CopyTask } from '../../domain/sessions/copy-session.js';
import type { RecordedSession, RecordFilter } from '../../domain/sessions/recorded-session.js';
import { BackupError } from '../../domain/errors.js';
import {
  WORKFLOW_BROWSE_REPOSITORY,
  WORKFLOW_PLAN_JOB,
  WORKFLOW_READ_JOB_DEFINITION,
  type PlanJobInput,
  type ReadJobDefinitionInput,
} from '../../../workflows/messages.js';
import type { NamedLook } from '../../domain/sources/found-workload.js';
import { withTwins } from '../../domain/targets/marker-twins.js';
import { UNREACHABLE } from '../../domain/targets/repository-view.js';
import type {
  BrowsePage,
  BrowseRepositoryInput,
  RepositoryDescription,
  RestorePointView,
  StoredJob,
  WorkloadSummary,
} from '../../domain/targets/repository-view.js';
import type { JobPlan } from '../../domain/sessions/operation.js';
import type { FactsPage } from '../../domain/safety/workload-facts.js';
import { LookExecutions } from '../executions/look-executions.js';
import { SharedLooks } from './shared-looks.js';
import { SilentLooks } from './silent-looks.js';
import { toBackupError } from '../executions/temporal-errors.js';

const BROWSE_TIMEOUT = '30s';
/** Reads the metadata of every restore point that would be copied, or the records of all copies: nobody waits for it at a page. */
const THOROUGH_TIMEOUT = '5m';

/** A target that is away or not fit is looked at again after so long. */
const UNFIT_SEEN_MS = 30_000;
/** Whoever asks whether the server is ready, or for what may be done without a look, does not wait for longer. */
const LOOK_WAIT_MS = 4_000;

/** Looks that answer with a description of the repository. */
export type DescribingLook = Extract<
  BrowseRepositoryInput['what'],
  'describe' | 'check' | 'accept'
>;

export class RepositoryBrowser {
  readonly #executions: LookExecutions;
  readonly #now: () => number;
  readonly #looks = new SharedLooks();
  readonly #silent: SilentLooks;
  readonly #seen = new Map<string, { description: RepositoryDescription; seenAtMs: number }>();

  constructor(client: Client, now: () => number) {
    this.#executions = new LookExecutions(client, now);
    this.#now = now;
    this.#silent = new SilentLooks((id) => this.describe(id), now);
  }

  /** `describe`, for a list that does not wait for one whose storage hangs: it is shown as such after five seconds, and at once from then on. */
  describeSoon(repositoryId: string): Promise<RepositoryDescription> {
    return this.#silent.describe(repositoryId);
  }

  /** A repository that no worker reaches is described as unreachable, with the reason; one that is only looked at also when Temporal or its
   *  worker answers with another error, because its settings are known all the same. */
  async describe(
    repositoryId: string,
    what: DescribingLook = 'describe',
  ): Promise<RepositoryDescription> {
    try {
      const { items } = await this.#browse<RepositoryDescription>({ repositoryId, what });
      const [description] = items;
      if (description !== undefined) return this.#remember(repositoryId, description);
    } catch (error) {
      const reason = unreachableReason(error, what);
      if (reason === null) throw error;
      return this.#remember(repositoryId, { ...UNREACHABLE, reason });
    }
    throw new Error(`browseRepository described nothing for ${repositoryId}`);
  }

  /** What `describe` last said, unless it is older than `seenMs` or shows a fault that may have been mended; else it looks. A look that
   *  takes long goes on, and is there for the next call.
   *  @returns null: nothing is known yet */
  async describeSeenWithin(
    repositoryId: string,
    seenMs: number,
  ): Promise<RepositoryDescription | null> {
    const seen = this.#seen.get(repositoryId);
    const isFit = seen?.description.storage?.faults.length === 0;
    const validMs = isFit ? seenMs : Math.min(seenMs, UNFIT_SEEN_MS);
    // A clock that went back makes nothing young.
    if (seen !== undefined && Math.abs(this.#now() - seen.seenAtMs) < validMs)
      return this.#told(repositoryId, seen.description);
    const look = this.describeSoon(repositoryId);
    look.catch(() => undefined); // nobody may wait for it any more when it fails
    const late = setTimeout(LOOK_WAIT_MS, seen?.description ?? null, { ref: false });
    return Promise.race([look, late]);
  }

  #remember(repositoryId: string, description: RepositoryDescription): RepositoryDescription {
    this.#seen.set(repositoryId, { description, seenAtMs: this.#now() });
    return this.#told(repositoryId, description);
  }

  /** With what is known of it from what was seen of others. */
  #told(repositoryId: string, description: RepositoryDescription): RepositoryDescription {
    const others = [...this.#seen].map(([id, seen]) => [id, seen.description] as const);
    return withTwins(repositoryId, description, others);
  }

  /** @throws REPOSITORY_UNREACHABLE when no worker answers */
  workloads(repositoryId: string, cursor?: string): Promise<BrowsePage<WorkloadSummary>> {
    return this.#browse({ repositoryId, what: 'workloads', cursor });
  }

  /** What a source holds under a name now. null: nobody knows, because no worker answers soon, or it cannot look. */
  async named(repositoryId: string, workload: string): Promise<NamedLook | null> {
    // A worker of an earlier build has no answer to it.
    const look = this.#browse<NamedLook>({ repositoryId, what: 'named', workload })
      .then(({ items }) => items[0] ?? null)
      .catch(() => null);
    return Promise.race([look, setTimeout(LOOK_WAIT_MS, null, { ref: false })]);
  }

  /** Page of what is known of every workload, with the description of the repository on the first. */
  facts(repositoryId: string, cursor?: string): Promise<FactsPage> {
    return this.#browse({ repositoryId, what: 'facts', cursor });
  }

  storedJobs(repositoryId: string, cursor?: string): Promise<BrowsePage<StoredJob>> {
    return this.#browse({ repositoryId, what: 'jobs', cursor });
  }

  /** Of one workload, or of all. @throws REPOSITORY_UNREACHABLE, WORKLOAD_MISSING */
  restorePoints(
    repositoryId: string,
    { workload, cursor }: { workload?: string; cursor?: string },
  ): Promise<BrowsePage<RestorePointView>> {
    return this.#browse({ repositoryId, what: 'restorePoints', workload, cursor });
  }

  /** Sessions of which records lie in a target, newest start first. */
  sessionRecords(
    repositoryId: string,
    records: RecordFilter,
    cursor?: string,
  ): Promise<BrowsePage<RecordedSession>> {
    return this.#browse({ repositoryId, what: 'sessions', records, cursor });
  }

  /** null: no record of it lies there. */
  async sessionRecord(
    repositoryId: string,
    session: { readonly jobId: string; readonly sessionId: string },
  ): Promise<CopySession | null> {
    const { items } = await this.#browse<CopySession>({ repositoryId, what: 'session', session });
    return items[0] ?? null;
  }

  /** Who changed what, newest first. @param cursor key of the last line of the page before */
  audit(
    repositoryId: string,
    audit: AuditFilter,
    cursor?: string,
  ): Promise<BrowsePage<AuditEntry>> {
    return this.#browse({ repositoryId, what: 'audit', audit, cursor });
  }

  /** Tasks of a session that have files of their own. */
  tasks(
    repositoryId: string,
    session: { readonly jobId: string; readonly sessionId: string },
    cursor?: string,
  ): Promise<BrowsePage<CopyTask>> {
    return this.#browse({ repositoryId, what: 'tasks', session, cursor });
  }

  /** What a session of the job would do now, page by page. The definition need not be stored. */
  plan(job: CopyJob, cursor?: string): Promise<JobPlan> {
    const input: PlanJobInput = { job, after: cursor ?? null };
    const page = cursor === undefined ? '' : `/${digest(cursor)}`;
    const name = `plan/${job.id}/${digest(JSON.stringify(job))}${page}`;
    return this.#look(WORKFLOW_PLAN_JOB, name, input, THOROUGH_TIMEOUT);
  }

  /** The definition that a job left in its target repository. */
  readJobDefinition(input: ReadJobDefinitionInput): Promise<unknown> {
    const name = `read-job/${input.repositoryId}/${input.jobId}`;
    return this.#look(WORKFLOW_READ_JOB_DEFINITION, name, input, BROWSE_TIMEOUT);
  }

  #browse<Item>(input: BrowseRepositoryInput): Promise<BrowsePage<Item>> {
    const timeout = input.what === 'facts' ? THOROUGH_TIMEOUT : BROWSE_TIMEOUT;
    return this.#look(WORKFLOW_BROWSE_REPOSITORY, browseNameOf(input), input, timeout);
  }

  /** A look that has begun may have read what has changed since, so nobody joins it: whoever comes meanwhile waits for the next one, and all
   *  of them share that. */
  #look<Result>(...look: Parameters<LookExecutions['run']>): Promise<Result> {
    const [, name] = look;
    return this.#looks.share(name, () => this.#executions.run<Result>(...look));
  }
}

/** @throws REPOSITORY_MISSING */
export function configuredRepository(
  repositories: readonly RepositoryConfig[],
  repositoryId: string,
): RepositoryConfig {
  const repository = repositories.find(({ id }) => id === repositoryId);
  if (repository === undefined) {
    throw new BackupError('REPOSITORY_MISSING', `no repository ${repositoryId} is configured`);
  }
  return repository;
}

/** All pages of a look, one after the other. @param look as of a page's cursor; undefined: the first one */
export async function* pagesOf<Item>(
  look: (cursor: string | undefined) => Promise<BrowsePage<Item>>,
): AsyncGenerator<BrowsePage<Item>> {
  let cursor: string | undefined;
  do {
    const page = await look(cursor);
    yield page;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** Names of workloads are of any length and content, workflow ids are not. */
function browseNameOf(input: BrowseRepositoryInput): string {
  const { repositoryId, what, workload, session, records, audit, cursor } = input;
  const wanted = records ?? audit;
  const filter = wanted && JSON.stringify(wanted);
  const rest = [workload, session?.sessionId, filter, cursor].map((part) =>
    part === undefined ? '' : `/${digest(part)}`,
  );
  return `browse/${repositoryId}/${what}${rest.join('')}`;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** null: something else went wrong. */
function unreachableReason(error: unknown, what: DescribingLook): string | null {
  const known = toBackupError(error);
  const isUnreached = what === 'describe' || known?.code === 'REPOSITORY_UNREACHABLE';
  return known !== null && isUnreached ? known.message : null;
}
