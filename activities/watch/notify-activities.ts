import { createHash } from 'node:crypto';
import { seesAll, type ObservedProblem } from '../../src/domain/notices/alert-ledger.js';
import { BackupError } from '../../src/domain/errors.js';
import type { Notice } from '../../src/domain/notices/notice.js';
import {
  channelJobs,
  type NotificationChannel,
  type NotificationSettings,
  type PingChannel,
  type WatchRules,
} from '../../src/domain/notices/notification-channel.js';
import { NOTHING_UNREAD, unreadOf, type Unread } from '../../src/domain/notices/hidden-problems.js';
import type { SafetyProblem } from '../../src/domain/safety/problem-groups.js';
import type { SafetySeen, Verdict } from '../../src/domain/safety/safety-facts.js';
import { cut, jsonBytes } from '../../src/domain/sessions/task-brief.js';
import { deliver, ping, pingSession, type SessionPing } from '../../src/notify/deliver.js';
import { runTask } from '../running/run-task.js';

/** In the answer to one look: a history takes no more. */
const MAX_PROBLEMS = 200;
/** Of these as JSON, half of what an answer may have: the keys of what is open, and jobs that are not judged, come beside them. */
const MAX_PROBLEM_BYTES = 1_000_000;
const MAX_TEXT = 500;
/** Jobs of repositories that could not be read whole; of more of them nothing ends. */
const MAX_UNREAD_JOBS = 500;
/** Of one problem: those that channels are for come first, the rest shows that it is not of one job alone. */
const MAX_JOBS = 100;

interface JobPing extends SessionPing {
  readonly jobId: string;
}

/** What one look at all copies says. */
export interface SafetyLook {
  readonly sentence: string;
  readonly state: Verdict['state'];
  /** false: there may be problems that it does not show. */
  readonly isWhole: boolean;
  /** Of more than it has room for those that are not open yet, the gravest first, before the others. */
  readonly problems: readonly ObservedProblem[];
  /** Of what is open that which is still there and which it has no room to show: keys. Absent: an earlier build showed all or said that it did not. */
  readonly stillThere?: readonly string[];
  /** How many there are. Absent: as many as it shows. */
  readonly count?: number;
  /** Absent: all was read, or an earlier build did not say. */
  readonly unread?: Unread;
}

/** Looks at whether all is well, and tells it. */
export function createNotifyActivities(deps: {
  readonly notifications: NotificationSettings;
  readonly timeZone: string;
  readonly readSafety: () => Promise<SafetySeen>;
}) {
  const { notifications, timeZone, readSafety } = deps;
  const named = new Set(channelJobs(notifications.channels).map(({ jobId }) => jobId));
  const rank = (jobId: string) => (named.has(jobId) ? 0 : 1);
  return {
    async readWatchRules(): Promise<WatchRules> {
      const { watchSeconds, holdSeconds, channels } = notifications;
      return {
        watchMs: watchSeconds * 1_000,
        holdMs: holdSeconds * 1_000,
        told: channels.flatMap((each) => {
          if (each.kind === 'ping') return [];
          const { id, kind, severity, jobs, digestAt, quietHours } = each;
          return [{ id, kind, severity, jobs, digestAt, quietHours }];
        }),
        pings: channels.flatMap((each) =>
          each.kind === 'ping' && each.job === null ? [each.id] : [],
        ),
        timeZone,
      };
    },

    /** @param open keys of what is open already */
    async lookAtSafety({
      open = [],
    }: { readonly open?: readonly string[] } = {}): Promise<SafetyLook> {
      return runTask(async () => {
        const {
          verdict,
          problems,
          areOutcomesKnown = true,
          unjudgedRuns = [],
        } = await readSafety();
        const { shown, stillThere } = roomFor(problems, open, rank);
        const unread = { ...unreadOf(problems), unjudgedRuns };
        const namedJobs = [unread.jobIds, unread.sources?.jobIds ?? [], unjudgedRuns].flat();
        const isAllNamed = namedJobs.length <= MAX_UNREAD_JOBS;
        return {
          sentence: cut(verdict.sentence, MAX_TEXT),
          state: verdict.state,
          isWhole: areOutcomesKnown && isAllNamed && seesAll(problems),
          problems: shown,
          stillThere,
          count: problems.length,
          unread: isAllNamed ? unread : NOTHING_UNREAD,
        };
      });
    },

    ...createDeliveryActivities(notifications),
  };
}

/** What is not open yet comes first, so that it is told however much is wrong already. */
function roomFor(
  problems: readonly SafetyProblem[],
  open: readonly string[],
  rank: (jobId: string) => number,
): { shown: readonly ObservedProblem[]; stillThere: readonly string[] } {
  const inOrder = firstWithin(problems, rank);
  if (inOrder.length === problems.length) return { shown: inOrder, stillThere: [] };
  const known = new Set(open);
  const isOpen = (problem: SafetyProblem) => known.has(keyOf(problem));
  const all = [...problems.filter((problem) => !isOpen(problem)), ...problems.filter(isOpen)];
  const shown = firstWithin(all, rank);
  return { shown, stillThere: all.slice(shown.length).filter(isOpen).map(keyOf) };
}

function firstWithin(
  problems: readonly SafetyProblem[],
  rank: (jobId: string) => number,
): readonly ObservedProblem[] {
  const first = problems.slice(0, MAX_PROBLEMS).map((problem) => observed(problem, rank));
  let bytes = 0;
  const end = first.findIndex((problem) => (bytes += jsonBytes(problem) + 1) > MAX_PROBLEM_BYTES);
  return end === -1 ? first : first.slice(0, end);
}

function observed(problem: SafetyProblem, rank: (jobId: string) => number): ObservedProblem {
  const { code, severity, text, nextStep, sinceMs, jobId, onlyOf, repositoryId } = problem;
  const jobIds = [...problem.jobIds].sort((a, b) => rank(a) - rank(b)).slice(0, MAX_JOBS);
  const words = { text: cut(text, MAX_TEXT), nextStep: cut(nextStep, MAX_TEXT) };
  const whose = { jobId, jobIds, onlyOf, repositoryId };
  return { key: keyOf(problem), code, severity, ...words, sinceMs, ...whose };
}

/** Two long paths with one beginning are two. */
function keyOf({ key }: SafetyProblem): string {
  if (key.length <= MAX_TEXT) return key;
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 32);
  return `${cut(key, MAX_TEXT - digest.length)}${digest}`;
}

/** Tells channels and checks. */
function createDeliveryActivities(notifications: NotificationSettings) {
  const channel = (id: string): NotificationChannel => {
    const found = notifications.channels.find((each) => each.id === id);
    if (found !== undefined) return found;
    throw new BackupError('CHANNEL_MISSING', `no notification channel "${id}" is configured`);
  };
  return {
    async deliverNotice(input: {
      readonly channelId: string;
      readonly notice: Notice;
    }): Promise<void> {
      return runTask(async () => {
        const target = channel(input.channelId);
        if (target.kind === 'ping')
          throw new BackupError('CHANNEL_REFUSED', `channel ${target.id} is told nothing`);
        await deliver(target, input.notice);
      });
    },

    /** Calls the checks of a job. A repeat tells the same of the same run. */
    async pingJob({ jobId, ...told }: JobPing): Promise<void> {
      return runTask(async () => {
        const checks = notifications.channels.filter(isCheckOf(jobId));
        await Promise.all(checks.map((check) => pingSession(check, told)));
      });
    },

    async pingChannel(channelId: string): Promise<void> {
      return runTask(async () => {
        const target = channel(channelId);
        if (target.kind === 'ping') await ping(target);
      });
    },
  };
}

export type NotifyActivities = ReturnType<typeof createNotifyActivities>;

function isCheckOf(jobId: string): (channel: NotificationChannel) => channel is PingChannel {
  return (channel): channel is PingChannel => channel.kind === 'ping' && channel.job === jobId;
}
