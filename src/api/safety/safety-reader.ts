/** What is known of all repositories and jobs, kept between requests: a look into a repository of thousands of workloads is not for each of them. */

import { performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { Growth } from '../../domain/targets/growth.js';
import type { Client } from '@temporalio/client';
import type { RepositoryConfig } from '../../config/config.js';
import { failingChannels, type DeliveryFact } from '../../domain/notices/channel-health.js';
import {
  channelJobs,
  type ChannelJob,
  type NotificationSettings,
} from '../../domain/notices/notification-channel.js';
import { deliveriesOf } from '../notices/deliveries.js';
import { toBackupError } from '../executions/temporal-errors.js';
import type { Safety, SafetyFacts } from '../../domain/safety/safety-facts.js';
import { safetyOf } from '../../domain/safety/safety.js';
import type { FileBackupFacts } from '../../domain/safety/file-backup-problems.js';
import type { RepositoryFacts } from '../../domain/safety/protection.js';
import { NOTHING_UNCOPIED } from '../../domain/safety/uncopied-places.js';
import type { WorkloadFacts } from '../../domain/safety/workload-facts.js';
import type { JobOutcome } from '../../domain/sessions/job-outcome.js';
import { UNREACHABLE } from '../../domain/targets/repository-view.js';
import type { UnreadablePart } from '../../domain/targets/unreadable-part.js';
import type { FileBackupStore } from '../file-backups/file-backup-store.js';
import type { ListedJob } from '../jobs/job-schemas.js';
import type { JobStore } from '../jobs/job-store.js';
import { toProblem } from '../problem.js';
import { fileBackupFacts, jobFacts } from './job-facts.js';
import type { RepositoryBrowser } from '../repositories/repository-browser.js';

/** A repository is looked at again after a minute, or after twenty times as long as the last look took: looking takes a twentieth of its time at most. */
const SHORTEST_PAUSE_MS = 60_000;
const PAUSE_FACTOR = 20;
/** After a session has ended, or while nothing is known, it is looked at sooner. */
const EAGER_PAUSE_MS = 5_000;
/** Whoever asks waits so long for looks that are due, and then gets what is known. */
const WAIT_MS = 5_000;
/** The same of whoever wants what is so now. */
const PATIENT_WAIT_MS = 15_000;
/** For a look that only renews what was seen a short while ago nobody waits longer than this: with a thousand machines it takes seconds. */
const RENEWAL_WAIT_MS = 250;
/** For people: for so long what was seen serves while it is renewed; answers say of when it is. */
export const SERVES_MS = 5 * 60_000;
/** Jobs that were changed through this API are read anew at once. */
const JOBS_SEEN_MS = 10_000;

const FILE_BACKUP_JOBS = 'file-backup-jobs';

/** How long a judgement of the same facts serves. */
const JUDGED_MS = 5_000;

interface KnownJobs {
  readonly readAtMs: number;
  readonly changes: number;
  readonly items: readonly ListedJob[];
  readonly fileBackups: readonly FileBackupFacts[];
  /** Lists of jobs and sessions that could not be had whole. */
  readonly unreadable: readonly UnreadablePart[];
  /** By job: when its definition last changed or it was enabled. */
  readonly standsSinceMs: ReadonlyMap<string, number>;
  /** By job: what its sessions have left. */
  readonly outcomes: ReadonlyMap<string, JobOutcome>;
  readonly areOutcomesKnown: boolean;
  readonly deliveries: KnownDeliveries;
}

/** What the channels were told, as of the last list that was had. */
interface KnownDeliveries {
  readonly items: readonly DeliveryFact[];
  /** Why there is no newer one; null: there is. */
  readonly unreadReason: string | null;
}

interface KnownRepository {
  facts: RepositoryFacts;
  startedAtMs: number;
  /** When the look began that found the facts. */
  seenFromMs: number;
  tookMs: number;
  look: Promise<void> | null;
}

export interface KnownFacts extends SafetyFacts {
  readonly listed: readonly ListedJob[];
  /** False: a job may have failed of which nothing is shown yet. */
  readonly areOutcomesKnown: boolean;
}

/** What follows from the facts, as of `nowMs`. */
export interface KnownSafety {
  readonly facts: KnownFacts;
  readonly safety: Safety;
  readonly nowMs: number;
}

/** What is asked of the channels that tell people. */
interface ChannelsWatched {
  readonly ids: readonly string[];
  /** Those that channels are for. */
  readonly jobs: readonly ChannelJob[];
  /** The newest ones. */
  readonly deliveries: () => Promise<readonly DeliveryFact[]>;
}

/** Those of the configuration that are told something. */
export function watchedChannels(
  client: Client,
  { channels }: NotificationSettings,
): ChannelsWatched {
  const ids = channels.filter(({ kind }) => kind !== 'ping').map(({ id }) => id);
  return { ids, jobs: channelJobs(channels), deliveries: () => deliveriesOf(client) };
}

interface SafetySources {
  readonly browser: RepositoryBrowser;
  readonly jobs: JobStore;
  readonly fileBackups: Pick<FileBackupStore, 'listed'>;
  readonly repositories: readonly RepositoryConfig[];
  readonly channels: ChannelsWatched;
  readonly now: () => number;
  /** How old what was seen may be to be told while a new look is under way; 0: whoever asks waits for it. */
  readonly servesMs: number;
}

export class SafetyReader {
  readonly #browser: RepositoryBrowser;
  readonly #jobs: JobStore;
  readonly #fileBackups: Pick<FileBackupStore, 'listed'>;
  readonly #channels: ChannelsWatched;
  readonly #now: () => number;
  readonly #servesMs: number;
  readonly #repositories: Map<string, KnownRepository>;
  #knownJobs: KnownJobs | null = null;
  #readingJobs: Promise<KnownJobs> | null = null;
  #judged: KnownSafety | null = null;

  constructor({
    browser,
    jobs,
    fileBackups,
    repositories,
    channels,
    now,
    servesMs,
  }: SafetySources) {
    this.#browser = browser;
    this.#jobs = jobs;
    this.#fileBackups = fileBackups;
    this.#channels = channels;
    this.#now = now;
    this.#servesMs = servesMs;
    this.#repositories = new Map(repositories.map((each) => [each.id, neverSeen(each)]));
  }

  /** What is known now; looks that are due are begun, and waited for a moment.
   *  @param isPatient whoever asks waits for a look at each that begins now: nothing tells here that a health check has ended, or a removal
   *  @throws what Temporal answers when jobs cannot be listed */
  async read(isPatient = false): Promise<KnownFacts> {
    const listed = await this.#listedJobs();
    const lastEnd = lastEndMs(listed);
    const renewals: Promise<void>[] = [];
    const needed: Promise<void>[] = [];
    for (const known of this.#repositories.values())
      if (isPatient) needed.push(this.#lookAnew(known));
      else (this.#serves(known, lastEnd) ? renewals : needed).push(this.#lookIfDue(known, lastEnd));
    await Promise.all([
      Promise.race([
        Promise.all(needed),
        setTimeout(isPatient ? PATIENT_WAIT_MS : WAIT_MS, null, { ref: false }),
      ]),
      Promise.race([Promise.all(renewals), setTimeout(RENEWAL_WAIT_MS, null, { ref: false })]),
    ]);
    const { deliveries = NO_DELIVERIES, standsSinceMs, outcomes } = this.#knownJobs ?? {};
    return {
      listed,
      areOutcomesKnown: this.#knownJobs?.areOutcomesKnown ?? false,
      repositories: [...this.#repositories.values()].map(({ facts }) => facts),
      failingChannels: failingChannels(this.#channels.ids, deliveries.items, this.#now()),
      unreadDeliveries: deliveries.unreadReason,
      unknownChannelJobs: this.#unknownChannelJobs(),
      jobs: listed.flatMap((job) =>
        job.state === 'unknown'
          ? []
          : [jobFacts(job, standsSinceMs?.get(job.id) ?? null, outcomes?.get(job.id))],
      ),
      fileBackups: this.#knownJobs?.fileBackups ?? [],
      unreadJobs: listed.flatMap((job) =>
        job.state === 'unknown' ? [{ id: job.id, reason: job.reason }] : [],
      ),
      unreadLists: this.#knownJobs?.unreadable ?? [],
    };
  }

  /** A list that is not whole may lack one. */
  #unknownChannelJobs(): ChannelJob[] {
    const { items = [], fileBackups = [], unreadable = [] } = this.#knownJobs ?? {};
    if (unreadable.some(({ path }) => path === 'jobs' || path === FILE_BACKUP_JOBS)) return [];
    const known = new Set([...items, ...fileBackups].map(({ id }) => id));
    return this.#channels.jobs.filter(({ jobId }) => !known.has(jobId));
  }

  /** Begins to read what whoever comes first would wait for: a first look at a thousand workloads takes seconds. Nobody is told of a failure; whoever asks is. */
  readAhead(): void {
    this.read().catch(() => undefined);
  }

  /** The judgement of what is known now. With thousands of workloads it takes a tenth of a second, so that of the same facts serves for a moment. */
  async safety(isPatient = false): Promise<KnownSafety> {
    const facts = await this.read(isPatient);
    const nowMs = this.#now();
    const last = this.#judged;
    const isSame =
      last !== null &&
      last.facts.listed === facts.listed &&
      last.facts.repositories.every((known, index) => known === facts.repositories[index]);
    if (isSame && isWithin(nowMs - last.nowMs, JUDGED_MS)) return last;
    this.#judged = { facts, safety: safetyOf(facts, nowMs), nowMs };
    return this.#judged;
  }

  /** Workloads that the last look into a repository found; null: nobody has looked yet. Begins no look. */
  seenWorkloads(repositoryId: string): readonly WorkloadFacts[] | null {
    const facts = this.#repositories.get(repositoryId)?.facts;
    return facts === undefined || facts.seenAtMs === null ? null : facts.workloads;
  }

  async #listedJobs(): Promise<readonly ListedJob[]> {
    const known = this.#knownJobs;
    const changes = this.#jobs.changes;
    if (known?.changes === changes && isWithin(this.#now() - known.readAtMs, JOBS_SEEN_MS))
      return known.items;
    this.#readingJobs ??= this.#readJobs(changes).finally(() => {
      this.#readingJobs = null;
    });
    return (await this.#readingJobs).items;
  }

  async #readJobs(changes: number): Promise<KnownJobs> {
    const readAtMs = this.#now();
    const [listed, fileBackups, deliveries] = await Promise.all([
      this.#jobs.list(),
      this.#readFileBackups(),
      this.#readDeliveries(),
    ]);
    this.#knownJobs = {
      ...{ readAtMs, changes, ...listed, deliveries, fileBackups: fileBackups.items },
      unreadable: [...listed.unreadable, ...fileBackups.unreadable],
    };
    return this.#knownJobs;
  }

  /** Those that were known when they cannot be read now, which is told. */
  async #readFileBackups(): Promise<{ items: FileBackupFacts[]; unreadable: UnreadablePart[] }> {
    try {
      return { items: (await this.#fileBackups.listed()).map(fileBackupFacts), unreadable: [] };
    } catch (error) {
      const code = toBackupError(error)?.code ?? 'TEMPORAL_UNREACHABLE';
      const reason = `how the file-backup jobs are is not known: ${toProblem(error).detail}`;
      const unreadable = [{ path: FILE_BACKUP_JOBS, code, reason }];
      return { items: [...(this.#knownJobs?.fileBackups ?? [])], unreadable };
    }
  }

  /** What the channels take is no reason to know nothing of the copies. */
  async #readDeliveries(): Promise<KnownDeliveries> {
    if (this.#channels.ids.length === 0) return NO_DELIVERIES;
    try {
      return { items: await this.#channels.deliveries(), unreadReason: null };
    } catch (error) {
      const { items } = this.#knownJobs?.deliveries ?? NO_DELIVERIES;
      return { items, unreadReason: toProblem(error).detail };
    }
  }

  /** Whether what is known is only some minutes old, and no session has ended since it was looked at. */
  #serves({ facts, seenFromMs }: KnownRepository, lastEndMs: number): boolean {
    const { seenAtMs, awaySinceMs } = facts;
    return (
      seenAtMs !== null &&
      awaySinceMs === null &&
      lastEndMs <= seenFromMs &&
      isWithin(this.#now() - seenAtMs, this.#servesMs)
    );
  }

  async #lookIfDue(known: KnownRepository, lastEndMs: number): Promise<void> {
    const { startedAtMs, tookMs, facts } = known;
    const isEager =
      facts.seenAtMs === null || facts.awaySinceMs !== null || lastEndMs > startedAtMs;
    const pauseMs = Math.max(
      isEager ? EAGER_PAUSE_MS : SHORTEST_PAUSE_MS,
      PAUSE_FACTOR * tookMs * (isEager ? 0.1 : 1),
    );
    if (known.look === null && isWithin(this.#now() - startedAtMs, pauseMs)) return;
    await this.#shareLook(known);
  }

  /** One that is under way began before it was asked for. */
  async #lookAnew(known: KnownRepository): Promise<void> {
    await known.look;
    if (known.look === null && isWithin(this.#now() - known.startedAtMs, EAGER_PAUSE_MS)) return;
    await this.#shareLook(known);
  }

  async #shareLook(known: KnownRepository): Promise<void> {
    known.look ??= this.#look(known).finally(() => {
      known.look = null;
    });
    await known.look;
  }

  async #look(known: KnownRepository): Promise<void> {
    const { facts } = known;
    const startedAtMs = this.#now();
    known.startedAtMs = startedAtMs;
    const beganMs = performance.now();
    if (facts.seenAtMs === null && facts.awaySinceMs === null)
      known.facts = { ...facts, firstLookSinceMs: startedAtMs };
    try {
      known.facts = await this.#factsOf(facts);
      known.seenFromMs = startedAtMs;
    } catch (error) {
      known.facts = away(facts, this.#now(), error);
    }
    known.tookMs = performance.now() - beganMs;
  }

  async #factsOf(before: RepositoryFacts): Promise<RepositoryFacts> {
    const workloads: WorkloadFacts[] = [];
    const unreadable: UnreadablePart[] = [];
    let description = null;
    let uncopied = NOTHING_UNCOPIED;
    let cursor: string | undefined;
    do {
      const page = await this.#browser.facts(before.id, cursor);
      description = page.description ?? description ?? { ...UNREACHABLE, reason: null };
      workloads.push(...page.items);
      unreadable.push(...(page.unreadable ?? []));
      uncopied = page.uncopied ?? uncopied;
      cursor = page.nextCursor;
    } while (cursor !== undefined);
    const nowMs = this.#now();
    const { reachable, reason, totalBytes, freeBytes, storage, growth } = description;
    const fullAtMs = fullAtOf(growth);
    const storageFaults = storage?.faults ?? [];
    if (!reachable)
      return { ...before, storageFaults, reason, code: null, awaySinceMs: sinceOf(before, nowMs) };
    return {
      ...before,
      seenAtMs: nowMs,
      ...{ awaySinceMs: null, code: null, reason: null },
      ...{ totalBytes, freeBytes, fullAtMs, storageFaults },
      ...{ workloads, unreadable, uncopied },
    };
  }
}

const NO_DELIVERIES: KnownDeliveries = { items: [], unreadReason: null };

/** Whether less has passed. A clock that went back does not make it so for as long as it went back. */
function isWithin(passedMs: number, limitMs: number): boolean {
  return Math.abs(passedMs) < limitMs;
}

function fullAtOf(growth: Growth | null): number | null {
  const fullAt = growth?.fullAt ?? null;
  return fullAt === null ? null : Date.parse(fullAt);
}

function neverSeen({ id, role }: RepositoryConfig): KnownRepository {
  const nothing = { totalBytes: null, freeBytes: null, fullAtMs: null, storageFaults: [] };
  const facts: RepositoryFacts = {
    ...{ id, role, seenAtMs: null, awaySinceMs: null, code: null, reason: null },
    ...nothing,
    workloads: [],
    unreadable: [],
    uncopied: NOTHING_UNCOPIED,
  };
  return { facts, startedAtMs: -Infinity, seenFromMs: -Infinity, tookMs: 0, look: null };
}

function away(facts: RepositoryFacts, nowMs: number, error: unknown): RepositoryFacts {
  const code = toBackupError(error)?.code ?? null;
  return { ...facts, code, reason: toProblem(error).detail, awaySinceMs: sinceOf(facts, nowMs) };
}

/** It was there when it was last seen, and nothing is known of the time after. */
function sinceOf({ awaySinceMs, seenAtMs }: RepositoryFacts, nowMs: number): number {
  return awaySinceMs ?? seenAtMs ?? nowMs;
}

function lastEndMs(listed: readonly ListedJob[]): number {
  return Math.max(
    -Infinity,
    ...listed.map(({ lastSession }) => Date.parse(lastSession?.endedAt ?? '') || -Infinity),
  );
}
