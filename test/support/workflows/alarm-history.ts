/** A history of what is wrong and of who is told, played through the real watch, and judged from outside: by what was there and what was received. */

import { ApplicationFailure } from '@temporalio/common';
import type { Activities } from '../../../activities/activities.js';
import { runTask } from '../../../activities/running/run-task.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { Notice } from '../../../src/domain/notices/notice.js';
import { AlarmReceiver, said } from './alarm-receiver.js';
import { LocalServer } from './local-server.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const STARTED_AT_MS = Date.parse('2026-11-26T15:00:00Z');
const WATCH = 'safety';
const LOOK_MS = 30 * MINUTE_MS;
const HOLD_MS = 45 * MINUTE_MS;
/** Looks at the end in which nothing changes: longer than quiet hours, pauses after refusals and waits between attempts. */
const QUIET_LOOKS = 40;
/** Whoever refused hears within the hour, and an attempt may come an hour later. */
const CALM_MS = 3 * HOUR_MS;

/** What may be wrong. What lies in r1 is hidden while r1 cannot be read whole. */
export const PROBLEMS = [
  { name: 'p0', severity: 'error', jobIds: ['a'], repositoryId: 'r1' },
  { name: 'p1', severity: 'warning', jobIds: ['a', 'b'], repositoryId: 'r1' },
  { name: 'p2', severity: 'error', jobIds: ['b'], repositoryId: 'r2' },
  { name: 'p3', severity: 'unknown', jobIds: ['a'], repositoryId: 'r2' },
] as const;
type Problem = (typeof PROBLEMS)[number];

const RULES = { kind: 'mail', severity: 'warning', jobs: null, digestAt: null, quietHours: null };
export const CHANNELS = [
  { ...RULES, id: 'all' },
  { ...RULES, id: 'of-a', jobs: ['a'], digestAt: '09:00' },
  { ...RULES, id: 'by-day', quietHours: { from: '20:00', to: '06:00' } },
  { ...RULES, id: 'grave', severity: 'error' },
];
type Channel = (typeof CHANNELS)[number];

/** What comes before one look, and how it is made. */
export interface AlarmStep {
  /** Problems that begin or end. */
  readonly changes: readonly number[];
  /** blind: it sees not all, and says so; fails: there is no look. */
  readonly look: 'whole' | 'blind' | 'fails';
  /** Problems that a blind look does not show. */
  readonly unseen: readonly number[];
  readonly hidesR1: boolean;
  /** Of this job (null: of everything), so long. */
  readonly silence: { readonly jobId: string | null; readonly hours: number } | null;
  readonly endsSilences: boolean;
  /** The clock leaps so far. */
  readonly leapMinutes: number;
  /** A channel, not the first, that is taken out or put back. */
  readonly switched: number | null;
  /** A channel that refuses, or does not take, for so many looks. */
  readonly refusal: {
    readonly channel: number;
    readonly isFinal: boolean;
    readonly looks: number;
  } | null;
}

/** @returns what was broken of the promise, in words */
export async function playAlarms(
  steps: readonly AlarmStep[],
  longAtEvents: number,
): Promise<string[]> {
  const history = new AlarmHistory(steps);
  history.server.longAtEvents = longAtEvents;
  history.server.begin('watchSafety', WATCH, { open: [], channels: {} });
  await history.server.end(WATCH);
  return history.faults;
}

/** How a channel takes what it is told. */
class Line {
  isPresent = true;
  refusesUntilLook = -1;
  isFinal = true;
  /** Steady time of the last thing that may have disturbed it. */
  disturbedMs = 0;
  /** Ids of messages that are under way. */
  readonly pending = new Set<string>();
  readonly receiver = new AlarmReceiver();
  /** When each problem was last told as wrong: number of the look. */
  readonly toldAtLook = new Map<string, number>();
  mayRepeat = false;
  /** Of messages of an earlier configuration nothing counts. */
  firstNumber = 0;
  lastNumber = 0;
}

class AlarmHistory {
  readonly faults: string[] = [];
  readonly server: LocalServer;
  private look = -1;
  /** Time as it passes, whatever the clock shows. */
  private steadyMs = 0;
  private clockMs = STARTED_AT_MS;
  private readonly there = new Set<Problem>();
  private shown: ReadonlySet<Problem> = new Set();
  /** Steady time since when each look showed it, or the clock leapt. */
  private readonly shownSinceMs = new Map<Problem, number>();
  /** Number of the last look that did not show it. */
  private readonly unshownAtLook = new Map<Problem, number>();
  /** Number of the last look that saw that it was not there. */
  private readonly wellAtLook = new Map<string, number>();
  private isMade = false;
  private silences: { id: string; jobId: string | null; untilMs: number }[] = [];
  private readonly lines = new Map(CHANNELS.map((channel) => [channel.id, new Line()]));

  constructor(private readonly steps: readonly AlarmStep[]) {
    const activities = {
      readWatchRules: () => Promise.resolve(this.rules()),
      lookAtSafety: () => this.answer(),
      deliverNotice: (input: { channelId: string; notice: Notice }) =>
        runTask(() => this.receive(input)),
    } as unknown as Activities;
    const worker = { activities, activity: '' as const, isDead: () => false };
    this.server = new LocalServer(worker, STARTED_AT_MS);
  }

  private rules() {
    this.steadyMs += Math.max(0, this.server.nowMs - this.clockMs);
    if (this.look >= 0) this.judge();
    this.look += 1;
    const step = this.steps[this.look];
    if (step !== undefined) this.change(step);
    else if (this.look === this.steps.length) this.calmDown();
    const isOver = this.look >= this.steps.length + QUIET_LOOKS;
    if (isOver) this.judgeEnd();
    this.clockMs = this.server.nowMs;
    const present = CHANNELS.filter(({ id }) => this.lines.get(id)!.isPresent);
    const rules = { watchMs: LOOK_MS, holdMs: HOLD_MS, pings: [], timeZone: 'UTC' };
    return { ...rules, told: isOver ? [] : present };
  }

  private change(step: AlarmStep): void {
    for (const index of step.changes) this.toggle(PROBLEMS[index]!);
    if (step.leapMinutes !== 0) {
      // Not to the very moment of an earlier message, whose name it would get.
      this.server.takeMs(step.leapMinutes * MINUTE_MS + this.look);
      for (const problem of this.shownSinceMs.keys()) this.shownSinceMs.set(problem, this.steadyMs);
      for (const line of this.lines.values()) line.disturbedMs = this.steadyMs;
    }
    if (step.endsSilences) this.endSilences();
    if (step.silence !== null) this.silence(step.silence);
    if (step.switched !== null) {
      const line = this.lines.get(CHANNELS[step.switched]!.id)!;
      line.isPresent = !line.isPresent;
      line.disturbedMs = this.steadyMs;
      if (!line.isPresent) continueAsNewReader(line);
    }
    if (step.refusal !== null) {
      const line = this.lines.get(CHANNELS[step.refusal.channel]!.id)!;
      line.refusesUntilLook = this.look + step.refusal.looks;
      line.isFinal = step.refusal.isFinal;
    }
  }

  private toggle(problem: Problem): void {
    if (!this.there.delete(problem)) this.there.add(problem);
  }

  private silence({ jobId, hours }: NonNullable<AlarmStep['silence']>): void {
    const untilMs = this.server.nowMs + hours * HOUR_MS;
    const id = `silence-${this.look}`;
    this.silences.push({ id, jobId, untilMs });
    this.server.update(WATCH, 'silence', {
      ...{ id, jobId, code: null, reason: 'work', createdBy: 'anna' },
      createdAt: new Date(this.server.nowMs).toISOString(),
      until: new Date(untilMs).toISOString(),
    });
  }

  private endSilences(): void {
    for (const { id } of this.silences) this.server.update(WATCH, 'endSilence', id);
    this.silences = [];
  }

  private calmDown(): void {
    this.endSilences();
    for (const line of this.lines.values()) {
      line.isPresent = true;
      line.refusesUntilLook = -1;
    }
  }

  private answer() {
    const step = this.steps[this.look];
    this.isMade = step?.look !== 'fails';
    if (!this.isMade) return Promise.reject(ApplicationFailure.nonRetryable('no answer'));
    const isHidden = ({ repositoryId }: Problem) => step?.hidesR1 === true && repositoryId === 'r1';
    const isUnseen = (problem: Problem) =>
      step?.look === 'blind' && step.unseen.includes(PROBLEMS.indexOf(problem));
    this.shown = new Set(
      [...this.there].filter((problem) => !isHidden(problem) && !isUnseen(problem)),
    );
    for (const problem of PROBLEMS) {
      if (!this.shown.has(problem) && step?.look !== 'blind' && !isHidden(problem))
        this.wellAtLook.set(problem.name, this.look);
      if (!this.shown.has(problem)) {
        this.shownSinceMs.delete(problem);
        this.unshownAtLook.set(problem, this.look);
      } else if (!this.shownSinceMs.has(problem)) this.shownSinceMs.set(problem, this.steadyMs);
    }
    const problems = PROBLEMS.filter((problem) => this.shown.has(problem)).map(
      ({ name, severity, jobIds, repositoryId }) => ({
        ...{ key: name, code: 'COPY_LATE', severity, text: `${name} is wrong` },
        ...{ nextStep: 'Look.', sinceMs: null, jobId: jobIds.length === 1 ? jobIds[0] : null },
        ...{ jobIds, onlyOf: jobIds.length === 1 ? jobIds : [], repositoryId },
      }),
    );
    const unread = { repositoryIds: step?.hidesR1 === true ? ['r1'] : [], jobIds: [] };
    return Promise.resolve({
      ...{ sentence: 'So it is', state: problems.length > 0 ? 'unsafe' : 'safe' },
      ...{ isWhole: step?.look !== 'blind', problems, unread },
    });
  }

  private receive({ channelId, notice }: { channelId: string; notice: Notice }): Promise<void> {
    const line = this.lines.get(channelId)!;
    line.lastNumber = Math.max(line.lastNumber, notice.number);
    if (!line.isPresent) {
      line.pending.delete(notice.id);
      line.mayRepeat = true;
      throw new BackupError('CHANNEL_MISSING', `no channel ${channelId}`);
    }
    if (this.look < line.refusesUntilLook) {
      line.disturbedMs = this.steadyNow();
      if (line.isFinal) {
        line.pending.delete(notice.id);
        line.mayRepeat = true;
        throw new BackupError('CHANNEL_REFUSED', 'the server answers 535');
      }
      line.pending.add(notice.id);
      throw new BackupError('CHANNEL_UNREACHABLE', 'the server is away');
    }
    const isLate = line.pending.delete(notice.id);
    if (notice.number < line.firstNumber || notice.kind === 'digest') return Promise.resolve();
    if (!isLate) this.judgeMessage(channelId, line, notice);
    else line.disturbedMs = this.steadyNow();
    line.receiver.take(notice);
    return Promise.resolve();
  }

  private steadyNow(): number {
    return this.steadyMs + Math.max(0, this.server.nowMs - this.clockMs);
  }

  /** A message of this moment. */
  private judgeMessage(channelId: string, line: Line, notice: Notice): void {
    const { isAgain, begun, well } = said(notice);
    const { believed } = line.receiver;
    if (isAgain && !line.mayRepeat) this.fault(channelId, 'is told all again without a reason');
    if (isAgain) line.mayRepeat = false;
    for (const name of begun) {
      const problem = PROBLEMS.find((each) => each.name === name)!;
      const toldAt = line.toldAtLook.get(name) ?? -1;
      if (!isAgain && believed.has(name) && (this.unshownAtLook.get(problem) ?? -1) <= toldAt)
        this.fault(channelId, `is told of ${name} twice`);
      line.toldAtLook.set(name, this.look);
    }
    for (const name of well)
      if (this.wellAtLook.get(name) !== this.look)
        this.fault(channelId, `is told that ${name} is well, and this look has not seen that`);
  }

  /** After a look and all that was told of it. */
  private judge(): void {
    if (!this.isMade) return;
    for (const channel of CHANNELS) {
      const line = this.lines.get(channel.id)!;
      if (!line.isPresent || line.pending.size > 0 || isQuietAt(channel, this.clockMs)) continue;
      if (line.disturbedMs > 0 && this.steadyMs - line.disturbedMs < CALM_MS) continue;
      const { believed } = line.receiver;
      for (const [problem, sinceMs] of this.shownSinceMs) {
        const lastsMs = this.steadyMs - LOOK_MS - sinceMs;
        if (lastsMs < HOLD_MS || !isWantedBy(channel, problem) || this.isSilenced(problem))
          continue;
        if (!believed.has(problem.name))
          this.fault(
            channel.id,
            `was not told of ${problem.name}, which was there for ${lastsMs / MINUTE_MS} min`,
          );
      }
    }
  }

  private judgeEnd(): void {
    for (const channel of CHANNELS) {
      const { receiver, pending } = this.lines.get(channel.id)!;
      const wanted = PROBLEMS.filter(
        (problem) => this.there.has(problem) && isWantedBy(channel, problem),
      ).map(({ name }) => name);
      const believed = [...receiver.believed].sort();
      if (pending.size > 0) this.fault(channel.id, 'waits for a message at the end');
      if (believed.join() !== wanted.join())
        this.fault(
          channel.id,
          `believes [${believed.join()}] at the end, and it is [${wanted.join()}]`,
        );
    }
  }

  private isSilenced({ jobIds }: Problem): boolean {
    return this.silences.some(
      ({ jobId, untilMs }) =>
        untilMs > this.clockMs && (jobId === null || (jobIds.length === 1 && jobIds[0] === jobId)),
    );
  }

  private fault(channelId: string, words: string): void {
    this.faults.push(`look ${this.look}: ${channelId} ${words}`);
  }
}

function continueAsNewReader(line: Line): void {
  line.receiver.forget();
  line.toldAtLook.clear();
  line.firstNumber = line.lastNumber + 1;
}

function isWantedBy({ severity, jobs }: Channel, problem: Problem): boolean {
  const isGrave = severity === 'warning' || problem.severity === 'error';
  return isGrave && (jobs === null || problem.jobIds.some((id) => jobs.includes(id)));
}

function isQuietAt({ quietHours }: Channel, clockMs: number): boolean {
  const hour = new Date(clockMs).getUTCHours();
  return quietHours !== null && (hour >= 20 || hour < 6);
}
