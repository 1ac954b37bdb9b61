import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import type { CopySessionOutcome } from '../../../workflows/messages.js';
import fc from '../properties.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';
import { testJob } from '../session/test-site.js';
import { givenUpAt } from '../workflows/lost-answers.js';
import { LocalSessions } from '../workflows/local-sessions.js';
import { CopiesInFolder, isoOf, type CopiedPoint } from './copies-in-folder.js';
import { newMachine, type GrowingSource } from './growing-source.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_MS = Date.UTC(2026, 9, 1, 20);
const MACHINE = 'mail01';
/** Enough for some to be empty that a tool may fill late. */
const BLOCK_COUNT = 24;

/** What goes wrong in a session: a step is done, its answer is lost, and it cannot be done again. */
type Fault = null | 'answers' | 'commitRestorePoint' | 'mergeIncrement' | 'deleteRestorePoints';

type Event =
  | { readonly type: 'day'; readonly backup: 'full' | 'incremental' | null }
  | { readonly type: 'trim'; readonly chains: number }
  | { readonly type: 'keep'; readonly value: number }
  | { readonly type: 'verify' | 'grow' }
  | { readonly type: 'session'; readonly clockDays: number; readonly fault: Fault };

/** What was asked for. */
export interface Rules {
  readonly type: 'restorePoints' | 'days';
  readonly value: number;
  readonly immutableForDays: number;
  /** Weekly fulls that are kept; null: none are made. */
  readonly weeks: number | null;
  /** With `requireNewJob` an operator looks at what it says, and lets it go on. */
  readonly onSourceChainRecreated: CopyJob['onSourceChainRecreated'];
}

const aRule: fc.Arbitrary<Rules> = fc.record({
  type: fc.constantFrom('restorePoints', 'days'),
  value: fc.integer({ min: 2, max: 6 }),
  immutableForDays: fc.constantFrom(9, 0, 5),
  weeks: fc.constantFrom(null, null, 2),
  onSourceChainRecreated: fc.constantFrom('startNewChain', 'requireNewJob'),
});

const aSession = fc.record({
  type: fc.constant('session' as const),
  clockDays: fc.constantFrom(0, 0, 0, 0, 1, 9, 400, -1, -30),
  fault: fc.constantFrom<Fault>(
    ...[null, null, null, 'answers' as const],
    ...(['commitRestorePoint', 'mergeIncrement', 'deleteRestorePoints'] as const),
  ),
});
const anEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      type: fc.constant('day' as const),
      backup: fc.constantFrom(
        ...(['incremental', 'incremental', 'incremental'] as const),
        'full',
        null,
      ),
    }),
  },
  { weight: 12, arbitrary: aSession },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('trim' as const), chains: fc.constantFrom(1, 2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('keep' as const),
      value: fc.integer({ min: 1, max: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc
      .constantFrom(...(['verify', 'grow', 'grow', 'grow'] as const))
      .map((type) => ({ type })),
  },
);

/** A machine with its copies under rules and clocks that change, beside what the rules promise, by dates alone. */
class RetentionHistory implements History<Event> {
  private nowMs = FIRST_MS;
  private day = 0;
  private value: number;
  private points = new Map<number, CopiedPoint>();
  /** By date of each point that was ever there: when it was first seen, by the true clock. */
  private readonly firstSeenMs = new Map<number, number>();
  /** By id of each copy that was ever there: the same. */
  private readonly copiedMs = new Map<string, number>();
  private readonly copies: CopiesInFolder;
  /** A point is immutable from the date that a clock gave it which was ahead. */
  private isHeldLonger = false;
  /** The last session says that an immutable point holds what is outdated below it: points are kept for no longer than they are immutable. */
  private isHeldBack = false;

  private constructor(
    private readonly folder: string,
    private readonly rules: Rules,
    private readonly source: GrowingSource,
  ) {
    this.value = rules.value;
    this.copies = new CopiesInFolder(join(folder, 'offsite', 'nightly'), join(folder, 'shown.raw'));
  }

  static async begin(rules: Rules): Promise<RetentionHistory> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-retention-'));
    for (const id of ['primary', 'offsite']) await mkdir(join(folder, id));
    const source = await newMachine(join(folder, 'primary'), MACHINE, FIRST_MS, BLOCK_COUNT);
    return new RetentionHistory(folder, rules, source);
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  async happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'day':
        this.nowMs = FIRST_MS + ++this.day * DAY_MS;
        this.source.work(this.day);
        if (event.backup !== null) await this.source.backUp(this.nowMs, event.backup);
        break;
      case 'trim':
        await this.source.keepChains(event.chains);
        break;
      case 'keep':
        this.value = event.value;
        break;
      case 'grow':
        await this.source.growNewest();
        break;
      case 'verify':
        await (await this.sessions(null)).verify('offsite', (this.nowMs += 60_000));
        await this.judge(0, 'the health check');
        break;
      case 'session':
        await this.session(event.clockDays, event.fault);
    }
  }

  /** Days on which all is well, after which nothing is left that no rule keeps. */
  async settle(): Promise<void> {
    const { immutableForDays, weeks } = this.rules;
    const days = Math.max(this.value, immutableForDays) + 7 * (weeks ?? 0) + 9;
    let hasGrown = false;
    for (let day = 0; day < days; day++) {
      await this.happen({ type: 'day', backup: day % 7 === 6 ? 'full' : 'incremental' });
      await this.session(0, null);
      // The first full of a week, when it has its flag: the week must not be left without one.
      if (weeks === null || hasGrown || new Date(this.nowMs).getUTCDay() !== 0) continue;
      hasGrown = await this.source.growNewest();
    }
    // A week stays whole while any day of it is to stay, and a point is immutable for the hour longer by which it was copied later.
    if (this.isHeldLonger || this.isHeldBack) return;
    const kept = Math.max(this.value, immutableForDays + 1, 3);
    const most = kept + 1 + (weeks === null ? 0 : weeks + 1 + 7);
    assert.ok(
      this.points.size <= most,
      `${this.points.size} points are there of at most ${most}: ${this.told()}`,
    );
  }

  private async session(clockDays: number, fault: Fault): Promise<void> {
    const { weeks, type, onSourceChainRecreated } = this.rules;
    const job = testJob({
      ...{ restorePoints: 'latest', retention: { type, value: this.value } },
      onSourceChainRecreated,
      gfs:
        weeks === null
          ? null
          : {
              ...{ weekly: { keep: weeks, day: 'sunday' }, monthly: null, yearly: null },
              fullMethod: 'synthetic',
            },
    });
    this.nowMs += HOUR_MS;
    this.isHeldLonger ||= clockDays > 0 && this.rules.immutableForDays > 0;
    const sessions = await this.sessions(fault);
    const atMs = this.nowMs + clockDays * DAY_MS;
    let outcome = await sessions.tryToCopy(job, atMs);
    if (outcome.result === 'actionRequired') {
      await this.assertLeft(clockDays, JSON.stringify(outcome));
      const decided = { ...job, onSourceChainRecreated: 'startNewChain' } as const;
      outcome = await sessions.tryToCopy(decided, atMs + 1_000);
    }
    const told = JSON.stringify(outcome);
    this.isHeldBack = /outdated restore points stay, because the immutable/.test(told);
    await this.judge(clockDays, told);
    if (fault === null && clockDays === 0) await this.assertCopied(outcome);
  }

  /** A session that asks for a decision copies nothing, and lets nothing go. */
  private async assertLeft(clockDays: number, told: string): Promise<void> {
    assert.equal(this.rules.onSourceChainRecreated, 'requireNewJob', told);
    const before = [...this.points.keys()];
    await this.judge(clockDays, told);
    assert.deepEqual([...this.points.keys()], before, told);
  }

  /** What the source shows as its newest is copied, with all that it shows by now, and is not gone again. */
  private async assertCopied({ result }: CopySessionOutcome): Promise<void> {
    if (result !== 'success' && result !== 'nothingToCopy') return;
    const newest = this.source.days.at(-1)!.createdAtMs;
    const copy = this.points.get(newest);
    assert.ok(copy !== undefined, `${isoOf(newest)} is missing: ${this.told()}`);
    const isWhole = (await this.copies.shown(copy.image)).equals(this.source.diskAt(isoOf(newest)));
    assert.ok(isWhole, `${isoOf(newest)} stays short: ${this.told()}`);
  }

  /** The promises: what the rules keep is there, what is immutable is as it was, and every point shows what the machine held.
   *  @param clockDays how far the clock was off that the judged step went by */
  private async judge(clockDays: number, what: string): Promise<void> {
    const before = this.points;
    const now = await this.copies.points(MACHINE);
    for (const last of now.values())
      for (const { id, createdAtMs, image } of [last, ...last.earlier]) {
        const shown = await this.copies.shown(image);
        assert.ok(
          this.source.statesAt(isoOf(createdAtMs)).some((state) => shown.equals(state)),
          `${isoOf(createdAtMs)} shows what the machine did not hold then: ${what}`,
        );
        if (!this.copiedMs.has(id)) this.copiedMs.set(id, this.nowMs);
      }
    for (const date of now.keys())
      if (!this.firstSeenMs.has(date)) this.firstSeenMs.set(date, this.nowMs);
    for (const [date, point] of before) this.assertFate(point, now.get(date), clockDays, what);
    const dates = [...this.firstSeenMs.keys()].sort((a, b) => b - a);
    for (const [index, date] of dates.entries())
      // What a lower number or a wrong clock let go before stays gone.
      if (before.has(date) && this.isKept(date, index, dates[0]!))
        assert.ok(now.has(date), `${isoOf(date)} is gone, which retention keeps: ${what}`);
    this.points = now;
  }

  private assertFate(
    point: CopiedPoint,
    now: CopiedPoint | undefined,
    clockDays: number,
    what: string,
  ): void {
    const { immutableForDays, weeks } = this.rules;
    const { createdAtMs, isWeekly } = point;
    if (isWeekly && weeks !== null && now !== undefined)
      assert.ok(now.isWeekly, `${isoOf(createdAtMs)} is a weekly full no more: ${what}`);
    const there = now === undefined ? [] : [now, ...now.earlier];
    if (there.some(({ digest }) => digest === point.digest)) return;
    // Ages count from a day after the newest point at most: so much a clock that is wrong may be believed (ADR 9).
    const wrongMs = clockDays === 0 ? 0 : DAY_MS;
    const isOfToday = this.nowMs - this.copiedMs.get(point.id)! < DAY_MS && now !== undefined;
    const untilMs = createdAtMs + immutableForDays * DAY_MS - wrongMs;
    if (immutableForDays > 0 && !isOfToday)
      assert.ok(
        this.nowMs >= untilMs,
        `${isoOf(createdAtMs)} was ${now === undefined ? 'deleted' : 'rewritten'} while it was immutable: ${what}`,
      );
    if (isWeekly && weeks !== null && now === undefined)
      assert.ok(
        this.nowMs >= createdAtMs + 7 * weeks * DAY_MS - DAY_MS - wrongMs,
        `${isoOf(createdAtMs)} was a weekly full, and is gone: ${what}`,
      );
  }

  private isKept(date: number, index: number, newest: number): boolean {
    if (this.rules.type === 'restorePoints') return index < this.value;
    return index < 3 || date > newest - (this.value - 1) * DAY_MS;
  }

  private async sessions(fault: Fault): Promise<LocalSessions> {
    const repositories = [
      await openFolder(this.folder, 'primary', true),
      await openFolder(this.folder, 'offsite', false),
    ];
    const { immutableForDays } = this.rules;
    const faults =
      fault === null
        ? {}
        : fault === 'answers'
          ? { losesAnswer: (_: string, attempt: number) => attempt === 1 }
          : givenUpAt(fault);
    return new LocalSessions(repositories, { ...faults, immutableForDays });
  }

  private told(): string {
    return [...this.points.values()]
      .map(({ createdAtMs, isWeekly }) => `${isoOf(createdAtMs)}${isWeekly ? ' weekly' : ''}`)
      .join(', ');
  }
}

function openFolder(folder: string, id: string, readOnly: boolean): Promise<FolderRepository> {
  return openDirectoryRepository({ id, rootPath: join(folder, id), readOnly });
}

/** Tries random histories of copies under retention, weekly fulls, immutability and clocks that are wrong.
 *  @throws with the events of one that shows a fault */
export function tryRetentionHistories(parameters: HistoryParameters, length = 24): Promise<void> {
  const begin = (rules: Rules) => RetentionHistory.begin(rules);
  return tryHistories({ rules: aRule, event: anEvent, begin, length }, parameters);
}
