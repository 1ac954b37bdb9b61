/** Whether what became of the files of a source looks like a wipe or an encryption, and not like work: at once, or a little with each look. */

import { utcDay } from '../schedules/calendar-date.js';
import { counted } from '../sentences.js';
import type { FileFaults } from './file-faults.js';
import type { TreeRules } from './tree-rules.js';
import { DAY_MS } from '../elapsed.js';

/** What one look found of the files that were copied before. */
export interface TreeChanges {
  /** Files of the copy that the source showed at the last look. */
  readonly known: number;
  /** Of these, those of kinds that are never written over. */
  readonly steady: number;
  /** Of the known ones, gone now. */
  readonly gone: number;
  /** Of the steady ones, written to all the same, or gone while a file appeared whose name is theirs and an ending. */
  readonly rewritten: number;
  /** Files that the source did not show at the last look. */
  readonly added: number;
  /** Of those that are gone, those of backups that their tool has written anew (`remadePoints`). Absent: none, or a plan of a release before. */
  readonly remade?: number;
}

/** What one look found of the files of one class that are never written over. */
export interface ClassChanges extends Pick<TreeChanges, 'steady' | 'rewritten'> {
  readonly name: string;
  /** Its files are never written to at all. */
  readonly isImmutable: boolean;
}

/** What the looks of one day found, as the record of a copy keeps it. */
export interface GuardedDay {
  /** UTC, `YYYY-MM-DD`. */
  readonly day: string;
  /** Most files that the source showed on it, before what it lost. */
  readonly shown: number;
  readonly steady: number;
  /** On that day. */
  readonly rewritten: number;
}

type GuardRules = Pick<TreeRules, 'suspiciousShare' | 'shape' | 'isOpaque'>;

/** Fewer tell nothing: a store with one snapshot loses half of its snapshots with one. */
const FEWEST_FILES = 4;
/** Days whose losses are added up. */
const GUARDED_DAYS = 14;

/** Why an operator has to look before any of it is done to the copy, in plain words; null: it is what backups do.
 *
 *  Over days a store may have new files for all that went, as one that keeps a week does: there what counts is how many it shows less than it did. What is
 *  never written over adds up. What sets lose is the business of their retention.
 *  @param days of the copy, before this look */
export function suspicionOf(
  changes: TreeChanges,
  rules: GuardRules,
  days: readonly GuardedDay[],
): string | null {
  return suspicionAtOnce(changes, rules) ?? suspicionOverDays(changes, rules, days);
}

/** The same of each kind of files for itself: what refers to data are few files beside these, and without them nothing of the data can be found. Of three or fewer
 *  nothing tells, but where all of those of a store are never written to at all. */
export function suspicionOfClasses(
  classes: readonly ClassChanges[],
  rules: GuardRules,
): string | null {
  const isKept = rules.shape === 'store' && rules.isOpaque !== true;
  const hurt = classes.find(
    ({ steady, rewritten, isImmutable }) =>
      isMuch(rewritten, steady, rules) ||
      (isKept && isImmutable && steady > 1 && rewritten === steady),
  );
  if (hurt === undefined) return null;
  const { name, steady, rewritten } = hurt;
  return `of ${steady} files of kind ${name} that the source showed at the last look ${rewritten} were written to, although their kind never is: ${LOOKS_LIKE}`;
}

function suspicionAtOnce(
  { known, steady, gone, rewritten, remade = 0 }: TreeChanges,
  rules: GuardRules,
): string | null {
  const isEmptied = known > 0 && gone === known;
  const isLoss = isEmptied || isMuch(gone - remade, known, rules);
  // Sets of a fixed name are written over by each backup, and few of them all at once; their heads tell whether they still are backups. So are files of a
  // store of which nothing is known, and these have no heads.
  const isKept = rules.shape === 'store' && rules.isOpaque !== true;
  const isAllOver = isKept && steady > 0 && rewritten === steady;
  if (!isLoss && !isAllOver && !isMuch(rewritten, steady, rules)) return null;
  const parts = [
    ...(gone > 0 ? [`${gone} are gone`] : []),
    ...(rewritten > 0 ? [`${rewritten} were written to, although their kind never is`] : []),
  ];
  return `of ${known} files that the source showed at the last look ${parts.join(' and ')}: ${LOOKS_LIKE}`;
}

/** How a suspicion ends. */
export const LOOKS_LIKE = 'a wiped or encrypted source looks like this';

/** What became of a file that opens a store. `unlikeCopy`: it changed, and the file of the copy is not what was copied, so that nothing tells whether what counts of it
 *  has changed. */
export type OpeningFinding = 'gone' | 'other' | 'unlikeCopy';

/** The same of a file without which nothing in the store can be read: one is enough. */
export function openingSuspicion(path: string, finding: OpeningFinding): string {
  if (finding === 'unlikeCopy')
    return `${JSON.stringify(path)}, without which nothing in the store can be read, was written to, and the file of the copy, which is to tell what changed, is not there as it was copied: the copy may be the damaged one (a health check of the target tells), and a wiped or encrypted source looks like this, too`;
  const what = finding === 'gone' ? 'is gone' : 'is another one than the copy has';
  return `${JSON.stringify(path)}, without which nothing in the store can be read, ${what}: ${LOOKS_LIKE}, and so does a store with a new password or format`;
}

/** Why nothing may be written to a copy, and none of its points judged, before an operator has looked: files that are missing by the many are sooner those of
 *  storage that is not mounted than lost ones. null: they are few.
 *  @param known files of the copy */
export function lossSuspicion(
  lost: number,
  known: number,
  rules: Pick<TreeRules, 'suspiciousShare'>,
): string | null {
  const isEmptied = known > 0 && lost === known;
  if (!isEmptied && !isMuch(lost, known, rules)) return null;
  return `of ${known} files of the copy ${lost} are not there as they were copied: storage of the target that is not mounted, or was wiped, looks like this`;
}

/** A warning of a session of what it could not send again; null: nothing is lost. */
export function lossText({ count, examples }: FileFaults): string | null {
  const [first] = examples;
  if (first === undefined) return null;
  const files = count === 1 ? '1 file of the copy is' : `${count} files of the copy are`;
  return `${files} not there as copied (${JSON.stringify(first.path)} ${first.reason}) and cannot be sent again now: a health check of the target names the restore points that suffer`;
}

/** A warning of a session of what its source has lost, as far as can be told; null: nothing. */
export function sourceLossText({ count, examples }: FileFaults): string | null {
  const [first] = examples;
  if (first === undefined) return null;
  const example = `${JSON.stringify(first.path)}: ${first.reason}`;
  return keptText(count, 'that its tool did not remove', example);
}

/** A note of a session of files that its source shows no more, and that count as removed: below the share of the guard the copy follows its source. null: there are none.
 *  @param first of them, in the order of the look
 *  @param keptUntil as `removalText` says it */
export function goneText(count: number, first: string | null, keptUntil: string): string | null {
  if (count === 0 || first === null) return null;
  const files = counted(count, 'file is', 'files are');
  const named = count === 1 ? JSON.stringify(first) : `${JSON.stringify(first)} first`;
  const counts = count === 1 ? 'counts' : 'count';
  return `${files} gone from the source since the last look (${named}), and ${counts} as removed by its tool; ${keptUntil}`;
}

/** A warning of a session of files that its source has lost, and its copy keeps.
 *  @param which why they are lost, behind `gone from the source`
 *  @param example one of them, and why */
export function keptText(count: number, which: string, example: string): string {
  const files = counted(count, 'file is', 'files are');
  return `${files} gone from the source ${which}, and ${count === 1 ? 'stays' : 'stay'} in the copy; check the source with its tool (${example})`;
}

/** The same of what it has sent again. */
export function sentAgainText({ count, examples }: FileFaults): string {
  const [first] = examples;
  const files = count === 1 ? '1 file of the copy was' : `${count} files of the copy were`;
  const example =
    first === undefined
      ? ''
      : ` (${JSON.stringify(first.path)} ${first.reason.replace(/^is/, 'was')})`;
  return `${files} not there as copied${example}, and ${count === 1 ? 'was' : 'were'} sent again`;
}

function suspicionOverDays(
  changes: TreeChanges,
  rules: GuardRules,
  days: readonly GuardedDay[],
): string | null {
  const [first] = days;
  if (first === undefined) return null;
  const most = Math.max(...days.map(({ shown }) => shown), changes.known);
  const lost = changes.gone === 0 || rules.shape === 'sets' ? 0 : most - shownAfter(changes);
  const steady = Math.max(...days.map((day) => day.steady), changes.steady);
  const written = days.reduce((sum, day) => sum + day.rewritten, changes.rewritten);
  // Nobody remembers which: the same few, again and again, are no more than all of them, and files that were put back after an encryption count twice.
  const rewritten = Math.min(written, steady);
  if (isMuch(lost, most, rules))
    return `since ${first.day} the source has come down from ${most} files to ${shownAfter(changes)}, a few at each look: ${LOOKS_LIKE}`;
  if (changes.rewritten > 0 && isMuch(rewritten, steady, rules))
    return `since ${first.day} files of a kind that is never written to were written to ${written} times, the same ones again and again perhaps, and there are ${steady} of them: ${LOOKS_LIKE}`;
  return null;
}

/** Whether so many look like no work; of three or fewer nothing tells. */
export function isMuch(
  count: number,
  all: number,
  { suspiciousShare }: Pick<TreeRules, 'suspiciousShare'>,
): boolean {
  return count > Math.max(all * suspiciousShare, FEWEST_FILES - 1);
}

function shownAfter({ known, gone, added }: TreeChanges): number {
  return known - gone + added;
}

interface GuardedLook {
  readonly nowMs: number;
  readonly asOfMs: number;
  readonly isAgreed: boolean;
}

/** The days as they are kept once a look was replayed.
 *  @param look `asOfMs`: from when the age of days is counted, so that a clock that runs ahead forgets none; `isAgreed`: an operator has seen what there was
 *    to see, and it counts no more */
export function guardedDaysAfter(
  days: readonly GuardedDay[],
  changes: TreeChanges,
  { nowMs, asOfMs, isAgreed }: GuardedLook,
): GuardedDay[] {
  const day = utcDay(nowMs);
  if (isAgreed) return [{ day, shown: shownAfter(changes), steady: changes.steady, rewritten: 0 }];
  const oldest = utcDay(Math.min(nowMs, asOfMs) - GUARDED_DAYS * DAY_MS);
  const kept = days.filter((entry) => entry.day >= oldest && entry.day !== day);
  const today = days.find((entry) => entry.day === day);
  const after = {
    day,
    shown: Math.max(today?.shown ?? 0, changes.known, shownAfter(changes)),
    steady: Math.max(today?.steady ?? 0, changes.steady),
    rewritten: (today?.rewritten ?? 0) + changes.rewritten,
  };
  return [...kept, after].sort((a, b) => (a.day < b.day ? -1 : 1));
}
