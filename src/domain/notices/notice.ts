/** What a channel is told, in words. Pure. */

import {
  dateOfDayNumber,
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
import { SEVERITIES, type SafetySeverity } from '../safety/safety-codes.js';
import type { Verdict } from '../safety/safety-facts.js';
import { counted } from '../sentences.js';

type NoticeKind = 'alarm' | 'recovery' | 'digest' | 'test';

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

/** What a channel is told in one message. */
export interface News extends Pick<LedgerStep, 'begun' | 'ended'> {
  /** How many ended beside those that are named. */
  readonly moreEnded?: number;
  /** What ended and waited, and is there again, though it is not told yet or not now: nobody says that it is well. It waits on. */
  readonly returned?: readonly OpenAlert[];
  /** It refused a message before, so nobody knows what it heard. */
  readonly isAgain?: boolean;
  /** false: something cannot be read now, so that nobody knows of what is only counted whether it is well still. Absent: all was seen. */
  readonly isWhole?: boolean;
}

/** As earlier builds told it: what begins or ends in one look and is wanted. null: nothing.
 *  @param sentence the verdict */
export function noticeOfStep(
  channel: WatchedChannel,
  step: LedgerStep,
  at: NoticeTime,
): Notice | null {
  const begun = step.begun.filter(({ problem }) => isWanted(channel, problem));
  const ended = step.ended.filter(({ problem }) => isWanted(channel, problem));
  return begun.length + ended.length === 0 ? null : noticeOf({ begun, ended }, at);
}

export interface NoticeTime {
  /** The verdict. */
  readonly sentence: string;
  readonly number: number;
  readonly nowMs: number;
}

/** All of it in one message. */
export function noticeOf(news: News, { sentence, number, nowMs }: NoticeTime): Notice {
  const { begun, ended, moreEnded = 0, isAgain = false } = news;
  const first = begun[0] ?? ended.find(isHidden) ?? ended[0];
  const kind = begun.length > 0 ? 'alarm' : 'recovery';
  const endedCount = ended.length + moreEnded;
  const count = Math.max(begun.length, endedCount);
  const more = count > 1 && (begun.length > 1 || begun.length === 0) ? ` (+${count - 1})` : '';
  const what = first === undefined ? ALL_ENDED : `${first.problem.text}${more}`;
  return {
    id: noticeId(kind, nowMs),
    number,
    kind,
    severity: kind === 'alarm' ? gravest(begun) : null,
    subject: `${kind === 'alarm' ? 'Not well' : recoveryWords(news)}: ${what}`,
    lines: [
      ...(isAgain ? [AGAIN] : []),
      ...named(begun, begun.length, (alert) => problemLines(alert, nowMs)),
      ...named(ended, endedCount, (alert) => endLines(alert, nowMs), moreEndedWords(news)),
      sentence,
    ],
    at: new Date(nowMs).toISOString(),
  };
}

const WELL = 'Well again';
const NOT_SEEN = 'No longer seen (something cannot be read)';
const WELL_OR_NOT_SEEN = 'Well again, or no longer seen';

/** Nobody has seen that what is hidden is well. */
function isHidden({ hiddenSinceMs }: OpenAlert): boolean {
  return hiddenSinceMs !== undefined;
}

/** Of the whole message: as little as is known of any that ended. */
function recoveryWords({ ended, moreEnded = 0, isWhole = true }: News): string {
  if (ended.some(isHidden)) return NOT_SEEN;
  if (isWhole) return WELL;
  if (ended.length === 0) return NOT_SEEN;
  return moreEnded > 0 ? WELL_OR_NOT_SEEN : WELL;
}

/** Of what is not named. */
function moreEndedWords({ ended, moreEnded = 0, isWhole = true }: News): string {
  const isSeen = (isWhole || moreEnded === 0) && !ended.slice(MAX_NAMED).some(isHidden);
  return isSeen ? '' : ` (${WELL_OR_NOT_SEEN.toLowerCase()})`;
}

function endLines(alert: OpenAlert, nowMs: number): string[] {
  const since = elapsedText(nowMs - (alert.problem.sinceMs ?? alert.firstSeenMs));
  return [`${isHidden(alert) ? NOT_SEEN : WELL} after ${since}: ${alert.problem.text}`];
}

const AGAIN =
  'A message to this channel was refused before: this is what it is to know of what is open now (nothing that is silenced).';
const ALL_ENDED = 'what was told before';

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

/** The digest that is due: of today, or still that of yesterday when nobody looked between its time and midnight.
 *  @param lastDay day of the one before, `YYYY-MM-DD` in the zone; null: there was none, and none is due for the day before
 *  @returns the day; null: it is not due */
export function digestDay(
  { digestAt }: ChannelRules,
  lastDay: string | null,
  timeZone: string,
  nowMs: number,
): string | null {
  if (digestAt === null) return null;
  const today = dayNumberOf(nowMs, timeZone);
  const isDueToday = nowMs >= instantOf(today, minuteOfDay(digestAt), timeZone);
  const day = dayText(isDueToday ? today : today - 1);
  return day > (lastDay ?? dayText(today - 1)) ? day : null;
}

/** @returns the day of the digest before, and yesterday instead of one that only a clock that was ahead can have brought */
export function believedDay(lastDay: string, timeZone: string, nowMs: number): string {
  const today = dayNumberOf(nowMs, timeZone);
  return lastDay > dayText(today + 1) ? dayText(today - 1) : lastDay;
}

/** What a channel that has had none goes by from now on. */
export function dayBefore(timeZone: string, nowMs: number): string {
  return dayText(dayNumberOf(nowMs, timeZone) - 1);
}

function dayText(days: number): string {
  return isoDate(dateOfDayNumber(days));
}

/** As earlier builds reckoned it: of today alone. */
export function digestOfToday(
  { digestAt }: ChannelRules,
  lastDay: string | null,
  timeZone: string,
  nowMs: number,
): string | null {
  if (digestAt === null) return null;
  const today = dayNumberOf(nowMs, timeZone);
  const dueMs = instantOf(today, minuteOfDay(digestAt), timeZone);
  return dayText(today) !== lastDay && nowMs >= dueMs ? dayText(today) : null;
}

function problemLines({ problem, firstSeenMs }: OpenAlert, nowMs: number): string[] {
  const since = elapsedText(nowMs - (problem.sinceMs ?? firstSeenMs));
  return [`${problem.text} (${problem.code}, for ${since})`, `  ${problem.nextStep}`];
}

function named(
  alerts: readonly OpenAlert[],
  count: number,
  linesOf: (alert: OpenAlert) => readonly string[],
  moreWords = '',
): string[] {
  const lines = alerts.slice(0, MAX_NAMED).flatMap(linesOf);
  const more = count - Math.min(alerts.length, MAX_NAMED);
  return more > 0 ? [...lines, `and ${more} more${moreWords}`] : lines;
}

function gravest(alerts: readonly OpenAlert[]): SafetySeverity | null {
  return (
    SEVERITIES.find((severity) => alerts.some(({ problem }) => problem.severity === severity)) ??
    null
  );
}

function problemsText(count: number): string {
  return counted(count, 'problem is', 'problems are');
}
