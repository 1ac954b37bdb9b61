/** What a channel was told, and what it is still to be told: a channel that came later, or that refused a message, learns what is open. Pure. */

import { keysOf, type LedgerStep, type ObservedProblem, type OpenAlert } from './alert-ledger.js';
import { jsonBytes } from '../sessions/task-brief.js';
import { isWanted, type News } from './notice.js';
import type { ChannelRules } from './notification-channel.js';
import type { HeldStep } from './quiet-hours.js';

/** What the watch remembers of a channel. Plain JSON. */
export interface ChannelKnowledge {
  /** Keys of what is open and was told to it. Absent: an earlier build told it all that it wanted. */
  readonly knows?: readonly string[];
  /** What waits for the end of its quiet hours; absent: nothing does. */
  readonly waits?: {
    /** Keys of what is open. */
    readonly begun: readonly string[];
    readonly ended: readonly OpenAlert[];
    /** How many ended beside these. */
    readonly moreEnded: number;
  };
  /** For each open alert a sign, instead of the keys above: between two runs of the watch. Absent: the keys stand there. */
  readonly marks?: string;
  /** A message to it was refused: from then on all that is open is told again. Absent: none was. */
  readonly tellsAgainFromMs?: number;
  /** As earlier builds kept what waits. */
  readonly held?: HeldStep;
}

/** Of what ends in quiet hours as much is told by name, and remembered. */
const MAX_WAITING = 20;
/** Whoever repairs a channel hears within the hour what is open; until then it refuses one message an hour. */
const PAUSE_MS = 60 * 60_000;

/** @returns what it is to be told now, or when its quiet hours end */
export function newsFor(
  channel: ChannelRules,
  before: ChannelKnowledge | undefined,
  step: LedgerStep,
  isSilenced: (problem: ObservedProblem) => boolean,
): News {
  const knows = new Set(knownTo(channel, before, step));
  const begun = step.open.filter(
    ({ problem, isTold }) =>
      isTold && !knows.has(problem.key) && isWanted(channel, problem) && !isSilenced(problem),
  );
  const waiting = waitingOf(before);
  const wasBegun = new Set([...knows, ...waiting.begun]);
  const isOpen = keysOf(step.open);
  const isBegun = keysOf(begun);
  return {
    begun,
    ended: [
      ...waiting.ended.filter(({ problem }) => !isOpen.has(problem.key)),
      ...step.ended.filter(({ problem }) => wasBegun.has(problem.key)),
    ],
    returned: waiting.ended.filter(({ problem: { key } }) => isOpen.has(key) && !isBegun.has(key)),
    moreEnded: waiting.moreEnded,
    isAgain: before?.tellsAgainFromMs !== undefined,
  };
}

/** What ended in quiet hours was seen as well then. Of what this look cannot see nobody knows whether it is so still.
 *  @returns the news as this look may tell them; what waits on stays as it was */
export function asSeenNow(
  news: News,
  { ended: endedNow }: Pick<LedgerStep, 'ended'>,
  isUnseen: (problem: ObservedProblem) => boolean,
  nowMs: number,
): News {
  const ended = news.ended.map((alert) =>
    endedNow.includes(alert) || !isUnseen(alert.problem)
      ? alert
      : { ...alert, hiddenSinceMs: alert.hiddenSinceMs ?? nowMs },
  );
  return { ...news, ended };
}

/** Whether it is told now. What it refused is not told to it at every look. */
export function isTimely(
  { begun, ended, moreEnded = 0, isAgain }: News,
  { tellsAgainFromMs = -Infinity }: ChannelKnowledge,
  newKeys: ReadonlySet<string>,
  nowMs: number,
): boolean {
  if (isAgain && nowMs >= tellsAgainFromMs) return true;
  const isNew = ended.length > 0 || begun.some(({ problem }) => newKeys.has(problem.key));
  return isAgain ? isNew : begun.length + ended.length + moreEnded > 0;
}

/** @param isTold false: it waits
 *  @param mostBytes of what ended and waits, as JSON: of the rest the number is kept; absent: earlier builds bounded its number alone */
export function knowledgeAfter(
  channel: ChannelRules,
  before: ChannelKnowledge | undefined,
  step: LedgerStep,
  news: News,
  isTold: boolean,
  mostBytes = Infinity,
): ChannelKnowledge {
  const knew = new Set(knownTo(channel, before, step));
  const told = isTold ? keysOf(news.begun) : new Set<string>();
  const knows = step.open
    .filter(({ problem: { key }, isTold }) => isTold && (knew.has(key) || told.has(key)))
    .map(({ problem }) => problem.key);
  const { returned = [] } = news;
  const { begun, ended, moreEnded = 0 } = isTold ? NO_NEWS : news;
  const pause = isTold ? {} : again(before);
  if (begun.length + ended.length + returned.length + moreEnded === 0) return { knows, ...pause };
  const waiting = [...returned, ...ended];
  const kept = firstWithin(mostBytes, waiting.slice(0, MAX_WAITING));
  const waits = {
    begun: [...keysOf(begun)],
    ended: kept,
    moreEnded: moreEnded + waiting.length - kept.length,
  };
  return { knows, waits, ...pause };
}

const NO_NEWS: News = { begun: [], ended: [] };

function firstWithin(mostBytes: number, alerts: readonly OpenAlert[]): readonly OpenAlert[] {
  if (mostBytes === Infinity) return alerts;
  const brief = alerts.map(withoutRest);
  let bytes = 0;
  const end = brief.findIndex((alert) => (bytes += jsonBytes(alert) + 1) > mostBytes);
  return end === -1 ? brief : brief.slice(0, end);
}

/** Of what ended nothing is to be done, and who is told of it is decided. */
function withoutRest(alert: OpenAlert): OpenAlert {
  return { ...alert, problem: { ...alert.problem, nextStep: '', jobIds: [], onlyOf: [] } };
}

/** After it refused a message, nobody knows what it was told. */
export function afterRefusal<Memory extends ChannelKnowledge>(
  memory: Memory,
  nowMs: number,
): Memory {
  return { ...memory, knows: [], tellsAgainFromMs: nowMs + PAUSE_MS };
}

/** A pause that is longer than any was begun by a clock that was ahead: it is over. */
export function believedKnowledge<Memory extends ChannelKnowledge>(
  memory: Memory,
  nowMs: number,
): Memory {
  const { tellsAgainFromMs = -Infinity } = memory;
  return tellsAgainFromMs > nowMs + PAUSE_MS ? { ...memory, tellsAgainFromMs: nowMs } : memory;
}

function again(before: ChannelKnowledge | undefined): Pick<ChannelKnowledge, 'tellsAgainFromMs'> {
  const tellsAgainFromMs = before?.tellsAgainFromMs;
  return tellsAgainFromMs === undefined ? {} : { tellsAgainFromMs };
}

function knownTo(
  channel: ChannelRules,
  before: ChannelKnowledge | undefined,
  { open, begun, ended }: LedgerStep,
): readonly string[] {
  if (before === undefined) return [];
  if (before.knows !== undefined) return before.knows;
  const isNew = keysOf([...begun, ...(before.held?.begun ?? [])]);
  return [...open, ...ended]
    .filter(({ problem, isTold }) => isTold && isWanted(channel, problem))
    .map(({ problem }) => problem.key)
    .filter((key) => !isNew.has(key));
}

function waitingOf(before: ChannelKnowledge | undefined): NonNullable<ChannelKnowledge['waits']> {
  const { waits, held } = before ?? {};
  if (waits !== undefined) return waits;
  if (held === undefined) return { begun: [], ended: [], moreEnded: 0 };
  return { begun: [...keysOf(held.begun)], ended: held.ended, moreEnded: 0 };
}
