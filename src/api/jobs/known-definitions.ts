/** Definitions that Schedules carry. The list of Schedules has everything of a job but its definition, which takes a call for each and a Temporal server 15 ms and more: it is
 *  read once for each of its versions, also when several lists ask at once. */

import type { ScheduleDescription, ScheduleSummary } from '@temporalio/client';
import { isDeepStrictEqual } from 'node:util';
import { LRUCache } from 'lru-cache';
import type { MissedStarts } from '../../domain/jobs/copy-job.js';
import { jsonBytes } from '../../domain/sessions/task-brief.js';
import { versionOf, type Carrier } from './job-schedule.js';
import type { KnownJob } from './job-view.js';
import {
  NO_MEMORY,
  type DefinitionMemory,
  type RememberedDefinition,
} from './definition-memory.js';

/** A definition may have a megabyte, of which nearly all are names of workloads. */
const KNOWN_BYTES = 64 * 1024 * 1024;

/** Of one definition, for the next process: all of them are written at once, with each that changes. */
const REMEMBERED_BYTES = 64 * 1024;

/** A definition that somebody edited in Temporal itself keeps its version: it is known so long at most, and each for another time, so that no list reads all anew. */
const KNOWN_MS = 15 * 60_000;

/** The list of Schedules is behind by less than this: what this process has written since is read from the Schedule itself. */
const LIST_LAG_MS = 5_000;

/** A job of any kind, with what its Schedule tells. */
export type KnownDefinition<Job> = Omit<KnownJob, 'job'> & { readonly job: Job };

/** A definition, and what of its Schedule the list of Schedules does not carry. */
type ReadDefinition<Job> = Pick<
  KnownDefinition<Job>,
  'job' | 'skippedStarts' | 'createdAtMs' | 'writtenAtMs'
> & {
  readonly version: string;
  /** First of the times ahead when it was read: starts are left out only when a time has passed. */
  readonly nextTimeMs: number | null;
};

interface Reading<Job> {
  readonly version: string | null;
  readonly found: Promise<KnownDefinition<Job> | null>;
}

export class KnownDefinitions<Job extends { readonly missedStarts: MissedStarts }> {
  readonly #definitionOf: (carrier: Carrier) => Job;
  readonly #memory: DefinitionMemory;
  #recalled: Promise<void> | null = null;
  /** As the memory has them, or is about to. */
  #remembered = new Map<string, RememberedDefinition>();
  readonly #read = new LRUCache<string, ReadDefinition<Job>>({
    maxSize: KNOWN_BYTES,
    sizeCalculation: ({ job }) => jsonBytes(job),
  });
  /** Calls under way that began after the last write. */
  readonly #reading = new Map<string, Reading<Job>>();
  /** Until when the list of Schedules may lack what this process has written of a job. */
  readonly #written = new LRUCache<string, true>({ max: 1_000, ttl: LIST_LAG_MS });

  /** @param memory of earlier processes, for the one after this. Absent: there is none */
  constructor(definitionOf: (carrier: Carrier) => Job, memory: DefinitionMemory = NO_MEMORY) {
    this.#definitionOf = definitionOf;
    this.#memory = memory;
  }

  /** To be called with the ids of a list that is whole: what is not among them is gone. */
  async noteListed(ids: Iterable<string>): Promise<void> {
    await this.#recall();
    const listed = new Set(ids);
    const gone = [...this.#remembered.keys()].filter((id) => !listed.has(id));
    for (const id of gone) this.#remembered.delete(id);
    if (gone.length > 0) this.#memory.write(this.#remembered);
  }

  /** A write of this process: the next lists ask for the job itself. */
  noteWrite(id: string): void {
    this.#written.set(id, true);
    this.#reading.delete(id);
  }

  /** @param summary as the list of Schedules has it now
   *  @param describe null: there is no such job any more
   *  @throws what it throws */
  async of(
    id: string,
    summary: ScheduleSummary,
    describe: () => Promise<ScheduleDescription | null>,
  ): Promise<KnownDefinition<Job> | null> {
    await this.#recall();
    const known = this.#known(id, summary);
    if (known !== null) return known;
    const version = versionOf(summary);
    const underWay = this.#reading.get(id);
    const own = () => describe().then((found) => this.#remember(id, found));
    // The call of another list may fail for a reason of that list, such as its deadline.
    if (underWay !== undefined && underWay.version === version) return underWay.found.catch(own);
    const reading = { version, found: own() };
    this.#reading.set(id, reading);
    try {
      return await reading.found;
    } finally {
      if (this.#reading.get(id) === reading) this.#reading.delete(id);
    }
  }

  /** null: its Schedule has to be asked. */
  #known(id: string, summary: ScheduleSummary): KnownDefinition<Job> | null {
    const read = this.#read.get(id);
    if (read === undefined || this.#written.has(id)) return null;
    if (read.version !== versionOf(summary)) return null;
    const { nextActionTimes } = summary.info;
    const hasPassed = read.nextTimeMs !== timeOf(nextActionTimes);
    if (read.job.missedStarts === 'skip' && hasPassed) return null;
    const { paused, note } = summary.state;
    const lastActionMs = lastActionMsOf(summary);
    return { ...read, isPaused: paused, note, nextActionTimes, lastActionMs };
  }

  #remember(id: string, description: ScheduleDescription | null): KnownDefinition<Job> | null {
    if (description === null) return null;
    const known = { job: this.#definitionOf(description), ...scheduledOf(description) };
    const version = versionOf(description);
    const nextTimeMs = timeOf(known.nextActionTimes);
    if (version === null) return known;
    this.#read.set(id, { ...known, version, nextTimeMs }, { ttl: someTimeMs() });
    const { skippedStarts, createdAtMs, writtenAtMs } = known;
    const times = { skippedStarts, createdAtMs, writtenAtMs, nextTimeMs };
    this.#keep(id, { version, input: description.action.args?.[0], ...times });
    return known;
  }

  /** Also what somebody edited in Temporal itself, under the same version. What is long is asked for by the next process, too. */
  #keep(id: string, found: RememberedDefinition): void {
    if (isDeepStrictEqual(this.#remembered.get(id), found)) return;
    if (jsonBytes(found.input) <= REMEMBERED_BYTES) this.#remembered.set(id, found);
    else if (!this.#remembered.delete(id)) return;
    this.#memory.write(this.#remembered);
  }

  /** What somebody edited in Temporal itself while no process was there is read as late as what is edited while one is. */
  #recall(): Promise<void> {
    return (this.#recalled ??= this.#readMemory());
  }

  async #readMemory(): Promise<void> {
    this.#remembered = new Map(await this.#memory.read());
    for (const [id, { input, ...times }] of this.#remembered) {
      const job = this.#definitionOf({ scheduleId: id, action: { args: [input] } });
      this.#read.set(id, { job, ...times }, { ttl: someTimeMs() });
    }
  }
}

function someTimeMs(): number {
  return KNOWN_MS * (0.5 + Math.random() / 2);
}

/** What a Schedule tells of its starts. */
export function scheduledOf({ state, info }: ScheduleDescription): Omit<KnownJob, 'job'> {
  return {
    isPaused: state.paused,
    nextActionTimes: info.nextActionTimes,
    skippedStarts: info.numActionsMissedCatchupWindow,
    lastActionMs: lastActionMsOf({ info }),
    createdAtMs: info.createdAt.getTime(),
    writtenAtMs: (info.lastUpdatedAt ?? info.createdAt).getTime(),
    note: state.note,
  };
}

function lastActionMsOf({ info: { recentActions } }: Pick<ScheduleSummary, 'info'>): number {
  return Math.max(0, ...recentActions.map(({ takenAt }) => takenAt.getTime()));
}

function timeOf([next]: readonly Date[]): number | null {
  return next?.getTime() ?? null;
}
