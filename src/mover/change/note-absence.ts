import type { ChainRecord } from '../../chain/chain-record.js';
import { writeChainRecord } from '../../chain/chain-store.js';
import {
  missedLook,
  removalOf,
  type Absence,
  type MissedPresence,
  type Removal,
} from '../../domain/retention/absence.js';
import { utcText } from '../../domain/schedules/calendar-date.js';
import { immutableReason } from '../../domain/retention/immutability.js';
import { chainAges } from '../../domain/retention/retention-age.js';
import type { MoverContext } from '../task/mover-context.js';
import { ownedChain, type ChangeInput } from './change-points.js';
import { counted } from '../../domain/sentences.js';

/** What a job and its target say about workloads that are gone. */
export interface AbsenceRule {
  /** `removedWorkloadsAfterDays`. */
  readonly afterDays: number;
  readonly immutableForDays: number;
  /** `CopyJob.origin`. */
  readonly origin?: string;
}

export interface AbsenceStanding {
  readonly state: Removal['state'];
  /** One plain sentence. */
  readonly text: string;
  /** Points of the chain, dependents first. */
  readonly pointIds: readonly string[];
}

/** Enters into the record that a session looked for the workload in vain, and says what is to become of its copies. A second look of the
 *  same day changes nothing.
 *  @throws STALE_EPOCH */
export async function noteAbsence(
  context: MoverContext,
  input: ChangeInput & AbsenceRule,
): Promise<AbsenceStanding> {
  const { place, record } = await ownedChain(context, input);
  const presence = missedLook(record.presence, input.nowMs, input.afterDays, input.origin);
  const next = { ...record, presence };
  if (presence !== record.presence) await writeChainRecord(place.repository, place.chain, next);
  return absenceStanding(next, input, input.nowMs);
}

/** Of a record whose workload is absent. Pure. */
export function absenceStanding(
  record: Pick<ChainRecord, 'points'> & { readonly presence: MissedPresence },
  { afterDays, immutableForDays }: AbsenceRule,
  nowMs: number,
): AbsenceStanding {
  const { absence, lastSeenAt } = record.presence;
  const { points, ...ages } = chainAges(record.points, nowMs);
  const removal = removalOf(absence, afterDays, nowMs);
  // What looks of several days have proven is as good as a point of those days.
  const asOfMs = Math.min(nowMs, ages.asOfMs + absence.provenMs);
  const immutable = points.find(
    (point) => immutableReason(point, { immutableForDays, nowMs, asOfMs }) !== null,
  );
  const state = removal.state === 'due' && immutable !== undefined ? 'announced' : removal.state;
  const seen = lastSeenAt === null ? 'never seen' : `last seen ${utcText(Date.parse(lastSeenAt))}`;
  const gone = `no source shows it any more (${seen}, missed on ${daysText(absence)} since ${utcText(Date.parse(absence.firstMissedAt))})`;
  // Where an attempt that was not heard of has deleted them, there is nothing left to count.
  const [all, go, are] = allWords(points.length);
  const fate =
    state === 'due'
      ? `${all} ${go}`
      : immutable !== undefined && removal.state === 'due'
        ? `${all} ${are} to be deleted as soon as ${immutable.id} is not immutable any more`
        : `${all} ${are} to be deleted on ${utcText(removal.dueAtMs)} at the earliest`;
  return { state, text: `${gone}; ${fate}`, pointIds: points.map(({ id }) => id).toReversed() };
}

function allWords(count: number): readonly [all: string, go: string, are: string] {
  if (count === 1) return ['its one restore point', 'goes', 'is'];
  return [count === 0 ? 'all restore points' : `all ${count} restore points`, 'go', 'are'];
}

function daysText({ missedDays }: Absence): string {
  return counted(missedDays, 'day');
}
