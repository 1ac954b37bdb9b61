import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { sessionWorkflowId } from '../../../src/domain/sessions/copy-session.js';
import {
  WORKFLOW_COPY_SESSION,
  type CopySessionInput,
  type CopySessionOutcome,
} from '../../../workflows/messages.js';
import fc from '../properties.js';
import { tryHistories, type History, type HistoryParameters } from './try-histories.js';
import { testJob } from '../session/test-site.js';
import { CopiesInFolder, isoOf, type CopiedPoint } from './copies-in-folder.js';
import { newMachine, type GrowingSource } from './growing-source.js';
import { A_QUIET_MOMENT, aMoment, runSideBySide, type Moment } from './side-by-side.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const FIRST_MS = Date.UTC(2026, 9, 1, 20);
const MACHINE = 'mail01';
/** Enough for some to be empty that a tool may fill late. */
const BLOCK_COUNT = 16;
/** More than there are. */
const ALL = 100;

type JobId = 'nightly' | 'onward';

type Event =
  | { readonly type: 'day'; readonly backup: 'full' | 'incremental' | null }
  | { readonly type: 'grow' }
  | { readonly type: 'keep'; readonly job: JobId; readonly value: number }
  | { readonly type: 'sessions'; readonly jobs: readonly JobId[]; readonly moment: Moment };

const anEvent: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('day' as const),
      backup: fc.constantFrom(
        ...(['incremental', 'incremental', 'incremental', 'full', null] as const),
      ),
    }),
  },
  { weight: 3, arbitrary: fc.constant({ type: 'grow' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('sessions' as const),
      jobs: fc.subarray<JobId>(['nightly', 'onward'], { minLength: 1 }),
      moment: aMoment,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('keep' as const),
      job: fc.constantFrom<JobId>('nightly', 'onward'),
      value: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

/** What is asked of both jobs. */
interface Rules {
  readonly restorePoints: 'all' | 'latest';
  /** Weekly fulls of each job; null: none. */
  readonly weeks: Readonly<Record<JobId, number | null>>;
  /** How many points the second job keeps at first. */
  readonly kept: number;
  /** Both targets. */
  readonly immutableForDays: number;
}

const someWeeks = fc.constantFrom(null, 2);
const someRules: fc.Arbitrary<Rules> = fc.record({
  restorePoints: fc.constantFrom('all', 'latest'),
  weeks: fc.record({ nightly: someWeeks, onward: someWeeks }),
  kept: fc.constantFrom(ALL, 2, 4),
  immutableForDays: fc.constantFrom(0, 0, 5),
});

/** A machine whose copies are copied on, while those they are copied from are merged, replaced and deleted. */
class OnwardHistory implements History<Event> {
  private nowMs = FIRST_MS;
  private day = 0;
  private readonly keep: Record<JobId, number>;
  private readonly copies: Readonly<Record<JobId, CopiesInFolder>>;

  private constructor(
    private readonly folder: string,
    private readonly rules: Rules,
    private readonly source: GrowingSource,
  ) {
    this.keep = { nightly: 3, onward: rules.kept };
    const scratch = join(folder, 'shown.raw');
    this.copies = {
      nightly: new CopiesInFolder(join(folder, 'offsite', 'nightly'), scratch),
      onward: new CopiesInFolder(join(folder, 'vault', 'onward'), scratch),
    };
  }

  static async begin(rules: Rules): Promise<OnwardHistory> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-onward-'));
    for (const id of ['primary', 'offsite', 'vault']) await mkdir(join(folder, id));
    const source = await newMachine(join(folder, 'primary'), MACHINE, FIRST_MS, BLOCK_COUNT);
    return new OnwardHistory(folder, rules, source);
  }

  end(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  async happen(event: Event): Promise<void> {
    switch (event.type) {
      case 'day':
        this.nowMs = Math.max(this.nowMs, FIRST_MS + ++this.day * DAY_MS);
        this.source.work(this.day);
        if (event.backup !== null) await this.source.backUp(this.nowMs, event.backup);
        break;
      case 'grow':
        await this.source.growNewest();
        break;
      case 'keep':
        this.keep[event.job] = event.value;
        break;
      case 'sessions':
        await this.sessions(event.jobs, event.moment);
    }
  }

  /** Quiet sessions, after which the newest of the machine is at the end of the way. */
  async settle(): Promise<void> {
    await this.happen({ type: 'day', backup: 'incremental' });
    for (const job of ['nightly', 'onward'] as const) await this.sessions([job], A_QUIET_MOMENT);
    const newest = this.source.days.at(-1)!.createdAtMs;
    assert.ok(
      (await this.wholeDates('onward', await this.points())).includes(newest),
      `${isoOf(newest)} did not come to the vault`,
    );
    if (!(await this.source.growNewest())) return;
    for (const job of ['nightly', 'onward'] as const) await this.sessions([job], A_QUIET_MOMENT);
    assert.ok(
      (await this.wholeDates('onward', await this.points())).includes(newest),
      `${isoOf(newest)} was not copied again to the vault`,
    );
  }

  /** The promises: every copy of a copy shows what the machine held on its date, none goes that is one of the newest or a weekly full that is kept, and where the
   *  session says that all is well, those are there that were to be copied: all that the first target held all the time, or the newest of them. */
  private async sessions(jobs: readonly JobId[], moment: Moment): Promise<void> {
    this.nowMs += HOUR_MS;
    const orders = jobs.map((id) => {
      const input: CopySessionInput = { job: this.jobOf(id), overrides: {} };
      return { type: WORKFLOW_COPY_SESSION, id: sessionWorkflowId(id, this.nowMs), input };
    });
    const folders = ['primary', 'offsite', 'vault'].map((id) => ({
      ...{ id, rootPath: join(this.folder, id), readOnly: id === 'primary' },
    }));
    const before = await this.points();
    const wholeBefore = await this.wholeDates('nightly', before);
    const { immutableForDays } = this.rules;
    const { ends, nowMs } = await runSideBySide(
      ...([orders, folders, this.nowMs, moment, immutableForDays] as const),
    );
    this.nowMs = nowMs;
    const after = await this.points();
    const told = JSON.stringify([...ends.values()]);
    for (const job of ['nightly', 'onward'] as const)
      for (const last of after[job].values())
        for (const { createdAtMs, image } of [last, ...last.earlier]) {
          const iso = isoOf(createdAtMs);
          const shown = await this.copies[job].shown(image);
          const isOne = this.source.statesAt(iso).some((state) => shown.equals(state));
          assert.ok(isOne, `${iso} of ${job} shows what was not there: ${told}`);
        }
    for (const job of ['nightly', 'onward'] as const) this.assertKept(job, before, after, told);
    const onward = orders[jobs.indexOf('onward')];
    if (onward === undefined) return;
    const { result } = ends.get(onward.id) as CopySessionOutcome;
    if (result !== 'success' && result !== 'nothingToCopy') return;
    const wholeAfter = await this.wholeDates('nightly', after);
    const held = wholeBefore.filter((date) => wholeAfter.includes(date));
    const wholeInVault = await this.wholeDates('onward', after);
    for (const date of held) {
      const copy = after.onward.get(date);
      if (copy === undefined) continue;
      assert.ok(wholeInVault.includes(date), `${isoOf(date)} stayed short in the vault: ${told}`);
      for (const { image, isToldShort } of copy.earlier)
        assert.ok(
          isToldShort || (await this.showsAll('onward', date, image)),
          `${isoOf(date)} is short in the vault, and nothing tells it: ${told}`,
        );
    }
    const wanted =
      this.rules.restorePoints === 'all'
        ? held
        : newestOf(before, after).filter((date) => held.includes(date));
    const newest = newestDates([...held, ...before.onward.keys()], this.keep.onward);
    const lastMs = Math.max(...before.onward.keys());
    for (const date of wanted)
      // What retention let go before is not missed.
      if (this.keep.onward === ALL || (newest.has(date) && date > lastMs))
        assert.ok(after.onward.has(date), `${isoOf(date)} was not copied on: ${told}`);
  }

  /** Dates whose last copy shows all that their backup shows by now. */
  private async wholeDates(job: JobId, points: Points): Promise<number[]> {
    const whole: number[] = [];
    for (const [date, { image }] of points[job])
      if (await this.showsAll(job, date, image)) whole.push(date);
    return whole;
  }

  private async showsAll(job: JobId, date: number, image: string): Promise<boolean> {
    return (await this.copies[job].shown(image)).equals(this.source.diskAt(isoOf(date)));
  }

  private assertKept(job: JobId, before: Points, after: Points, told: string): void {
    const newest = newestDates([...before[job].keys(), ...after[job].keys()], this.keep[job]);
    const weeks = this.rules.weeks[job];
    for (const [date, { isWeekly }] of before[job]) {
      if (after[job].has(date)) continue;
      assert.ok(!newest.has(date), `${isoOf(date)} is gone from ${job}: ${told}`);
      const isOver = weeks === null || this.nowMs >= date + (7 * weeks - 1) * DAY_MS;
      assert.ok(!isWeekly || isOver, `the weekly ${isoOf(date)} is gone from ${job}: ${told}`);
    }
  }

  private async points(): Promise<Points> {
    const { nightly, onward } = this.copies;
    return { nightly: await nightly.points(MACHINE), onward: await onward.points(MACHINE) };
  }

  private jobOf(id: JobId): CopyJob {
    const { restorePoints } = this.rules;
    const weeks = this.rules.weeks[id];
    const both = { id, restorePoints, onSourceChainRecreated: 'startNewChain' } as const;
    const weekly = weeks === null ? null : { keep: weeks, day: 'sunday' as const };
    const gfs = weekly && { weekly, monthly: null, yearly: null, fullMethod: 'synthetic' as const };
    const retention = { type: 'restorePoints', value: this.keep[id] } as const;
    const isFirst = id === 'nightly';
    return testJob({
      ...{ ...both, gfs, retention },
      ...(isFirst ? {} : { sources: { include: [{ repositoryId: 'offsite' }], exclude: [] } }),
      ...(isFirst ? {} : { target: { repositoryId: 'vault' } }),
    });
  }
}

type Points = Readonly<Record<JobId, ReadonlyMap<number, CopiedPoint>>>;

function newestDates(dates: readonly number[], count: number): Set<number> {
  return new Set([...new Set(dates)].sort((a, b) => b - a).slice(0, count));
}

/** The newest of the first target, if it was the newest all the time. */
function newestOf(before: Points, after: Points): number[] {
  const [was, is] = [before, after].map(({ nightly }) => Math.max(...nightly.keys()));
  return was === is && Number.isFinite(was) ? [was!] : [];
}

/** Tries random histories of copies that are copied on, beside the retention, the weekly fulls and the sessions of the job that made them.
 *  @throws with the events of one that shows a fault */
export function tryOnwardHistories(parameters: HistoryParameters, length = 24): Promise<void> {
  const begin = (rules: Rules) => OnwardHistory.begin(rules);
  return tryHistories({ rules: someRules, event: anEvent, begin, length }, parameters);
}
