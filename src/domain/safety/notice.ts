/** What a channel is told, in words. Pure. */

import {
  calendarDateOf,
  dayNumberOf,
  instantOf,
  isoDate,
  minuteOfDay,
} from '../schedules/calendar-date.js';
import { elapsedText } from '../elapsed.js';
import {
  concernedJobs,
  type LedgerStep,
  type ObservedProblem,
  type OpenAlert,
} from './alert-ledger.js';
import type { ChannelRules, WatchedChannel } from './notification-channel.js';
import { SEVERITIES, type SafetySeverity } from './safety-codes.js';
import type { Verdict } from './safety-verdict.js';

export type NoticeKind = 'alarm' | 'recovery' | 'digest' | 'test';

export interface Notice {
  /** Names it for good: a receiver that gets it twice can tell. */
  readonly id: string;
  /** Counts what this channel was told, from 1: a gap shows that one is missing. 0: a test. */
  readonly number: number;
  readonly kind: NoticeKind;
  /** Of the gravest in it; null: nothing is wrong. */
  readonly severity: SafetySeverity | null;
  readonly subject: string;
  /** Plain text. */
  readonly lines: readonly string[];
  /** RFC 3339 UTC. */
  readonly at: string;
}

/** Problems told one by one; the rest as a number. */
const MAX_NAMED = 20;
/** The night in twelve lines. */
const DIGEST_NAMED = 9;

export function isWanted(rules: ChannelRules, problem: ObservedProblem): boolean {
  const { code, severity } = problem;
  // Whoever should have been told it by that channel was not.
  if (code === 'CHANNEL_FAILED') return true;
  if (SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(rules.severity)) return false;
  const { jobs } = rules;
  return jobs === null || concernedJobs(problem).some((id) => jobs.includes(id));
}

/** Of a notice of this moment; part of a workflow's id. */
export function noticeId(kind: NoticeKind, nowMs: number): string {
  return `${kind}-${new Date(nowMs).toISOString().replaceAll(/[:.]/g, '-')}`;
}

/** What one look has for one channel: all of it in one message. null: nothing.
 *  @param sentence the verdict */
export function noticeOfStep(
  channel: WatchedChannel,
  step: LedgerStep,
  { sentence, number, nowMs }: { sentence: string; number: number; nowMs: number },
): Notice | null {
  const begun = step.begun.filter(({ problem }) => isWanted(channel, problem));
  const ended = step.ended.filter(({ problem }) => isWanted(channel, problem));
  const [first] = [...begun, ...ended];
  if (first === undefined) return null;
  const kind = begun.length > 0 ? 'alarm' : 'recovery';
  const count = Math.max(begun.length, ended.length);
  const more = count > 1 && (begun.length > 1 || begun.length === 0) ? ` (+${count - 1})` : '';
  return {
    id: noticeId(kind, nowMs),
    number,
    kind,
    severity: kind === 'alarm' ? gravest(begun) : null,
    subject: `${kind === 'alarm' ? 'Not well' : 'Well again'}: ${first.problem.text}${more}`,
    lines: [
      ...named(begun, (alert) => problemLines(alert, nowMs)),
      ...named(ended, ({ problem, firstSeenMs }) => [
        `Well again after ${elapsedText(nowMs - (problem.sinceMs ?? firstSeenMs))}: ${problem.text}`,
      ]),
      sentence,
    ],
    at: new Date(nowMs).toISOString(),
  };
}

/** A made-up alarm and its end, which differ from real ones in their words alone: the receiver shows what it would do at night. */
export function rehearsal(nowMs: number): [Notice, Notice] {
  const common = { number: 0, at: new Date(nowMs).toISOString() };
  const end = 'This is a rehearsal: nothing is wrong, and nothing is to be done.';
  const what = 'a copy that does not exist is 9 h late';
  return [
    {
      ...common,
      id: `rehearsal-${noticeId('alarm', nowMs)}`,
      ...{ kind: 'alarm', severity: 'error', subject: `Rehearsal: Not well: ${what}` },
      lines: [end],
    },
    {
      ...common,
      id: `rehearsal-${noticeId('recovery', nowMs)}`,
      ...{ kind: 'recovery', severity: null, subject: `Rehearsal: Well again: ${what}` },
      lines: [end],
    },
  ];
}

/** The state of the day, sent whether all is well or not: who misses it knows that something is.
 *  @param day which it is of, as `digestDay` has it: names it for good, so that each day has its own, wherever the zone lies */
export function digest(
  channel: WatchedChannel,
  open: readonly OpenAlert[],
  {
    sentence,
    state,
    number,
    nowMs,
    day,
  }: { sentence: string; state: Verdict['state']; number: number; nowMs: number; day: string },
): Notice {
  const wanted = open.filter(({ problem }) => isWanted(channel, problem));
  const shown = wanted.slice(0, DIGEST_NAMED).map(({ problem }) => `- ${problem.text}`);
  const more = wanted.length - shown.length;
  return {
    id: `digest-${day}`,
    number,
    kind: 'digest',
    severity: gravest(wanted),
    subject: wanted.length > 0 ? `${problemsText(wanted.length)} open` : NOTHING_OPEN[state],
    lines: [
      sentence,
      wanted.length === 0 ? 'Nothing is open.' : 'Open:',
      ...shown,
      ...(more > 0 ? [`and ${more} more`] : []),
    ],
    at: new Date(nowMs).toISOString(),
  };
}

/** Of a digest without a problem that its channel wants to be told: the verdict may know of others. */
const NOTHING_OPEN: Readonly<Record<Verdict['state'], string>> = {
  safe: 'All is well',
  unsafe: 'Not well, with nothing that this channel is told',
  unknown: 'It is not known whether all is well',
};

/** Whether the digest of this day is due.
 *  @param lastDay day of the one before, `YYYY-MM-DD` in the zone; null: there was none
 *  @returns the day; null: it is not due */
export function digestDay(
  { digestAt }: ChannelRules,
  lastDay: string | null,
  timeZone: string,
  nowMs: number,
): string | null {
  if (digestAt === null) return null;
  const today = isoDate(calendarDateOf(nowMs, timeZone));
  const dueMs = instantOf(dayNumberOf(nowMs, timeZone), minuteOfDay(digestAt), timeZone);
  return today !== lastDay && nowMs >= dueMs ? today : null;
}

function problemLines({ problem, firstSeenMs }: OpenAlert, nowMs: number): string[] {
  const since = elapsedText(nowMs - (problem.sinceMs ?? firstSeenMs));
  return [`${problem.text} (${problem.code}, for ${since})`, `  ${problem.nextStep}`];
}

function named(
  alerts: readonly OpenAlert[],
  linesOf: (alert: OpenAlert) => readonly string[],
): string[] {
  const lines = alerts.slice(0, MAX_NAMED).flatMap(linesOf);
  return alerts.length > MAX_NAMED ? [...lines, `and ${alerts.length - MAX_NAMED} more`] : lines;
}

function gravest(alerts: readonly OpenAlert[]): SafetySeverity | null {
  return (
    SEVERITIES.find((severity) => alerts.some(({ problem }) => problem.severity === severity)) ??
    null
  );
}

function problemsText(count: number): string {
  return count === 1 ? '1 problem is' : `${count} problems are`;
}
