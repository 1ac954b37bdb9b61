/** What a policy would leave of a chain in the time ahead, session by session, by the very rules that sessions go by. Pure. */

import type { CopyJob } from '../jobs/copy-job.js';
import type { TargetRestorePoint } from '../targets/target-point.js';
import { dueFulls } from './due-fulls.js';
import { planRetention, type RetainedPoint, type RetentionAction } from './retention.js';
import { DAY_MS, HOUR_MS } from '../elapsed.js';

export type SimulatedPoint = RetainedPoint & Pick<TargetRestorePoint, 'kind'>;

export interface SimulationInput {
  /** Of one chain of the job as it is, in the order of the record. */
  readonly points: readonly SimulatedPoint[];
  readonly job: Pick<CopyJob, 'mode' | 'gfs' | 'endedGfs' | 'retention' | 'timeZone'>;
  readonly immutableForDays: number;
  /** A full can take up an increment in place. */
  readonly mergeAllowed: boolean;
  /** Sessions to come, epoch milliseconds, soonest first. Each copies one new restore point, of its own instant. */
  readonly startsMs: readonly number[];
  /** By which the chain as it is is judged where no session is to come. */
  readonly nowMs: number;
}

/** What is there after a session. */
interface SimulationStep {
  readonly atMs: number;
  readonly points: number;
  /** When the source made the oldest point that is left then. */
  readonly oldestAt: string;
}

export interface PolicySimulation {
  /** Of those that are there now: those that go, oldest first, with the session after which they are gone. */
  readonly gone: readonly { readonly id: string; readonly goneAtMs: number }[];
  /** What is there after the last session, in the order of the chain. */
  readonly left: readonly {
    readonly id: string;
    readonly createdAt: string;
    /** A session to come copies it. */
    readonly isNew: boolean;
    readonly kind: SimulatedPoint['kind'];
    readonly flags: SimulatedPoint['flags'];
    readonly reasons: readonly string[];
  }[];
  /** After each session. */
  readonly steps: readonly SimulationStep[];
  /** Of the last session. */
  readonly warnings: readonly string[];
}

/** Yields after each session, so that whoever plays many of them lets others have their turn. */
export function* simulatePolicy(
  input: SimulationInput,
): Generator<SimulationStep, PolicySimulation, void> {
  const present = new Set(input.points.map(({ id }) => id));
  const gone: { id: string; goneAtMs: number }[] = [];
  const steps: SimulationStep[] = [];
  let points = input.points;
  let plan = planOf(input, points, input.nowMs);
  for (const atMs of input.startsMs) {
    points = withFulls(input, [...points, newPoint(points, atMs)], atMs);
    plan = planOf(input, points, atMs);
    const before = points;
    points = plan.actions.reduce(perform, points);
    const after = new Set(points.map(({ id }) => id));
    for (const { id } of before)
      if (present.has(id) && !after.has(id)) gone.push({ id, goneAtMs: atMs });
    const step = { atMs, points: points.length, oldestAt: oldestOf(points) };
    steps.push(step);
    yield step;
  }
  const reasons = new Map(plan.keep.map((kept) => [kept.id, kept.reasons]));
  const left = points.map(({ id, createdAt, kind, flags }) => ({
    ...{ id, createdAt, kind, flags, isNew: !present.has(id) },
    reasons: reasons.get(id) ?? [],
  }));
  return { gone, left, steps, warnings: plan.warnings };
}

function oldestOf(points: readonly SimulatedPoint[]): string {
  return points.reduce(
    (oldest, { createdAt }) => (createdAt < oldest ? createdAt : oldest),
    points[0]!.createdAt,
  );
}

/** An increment on the newest one, or a full where there is none. */
function newPoint(points: readonly SimulatedPoint[], atMs: number): SimulatedPoint {
  const parent = points.at(-1);
  const at = new Date(atMs).toISOString();
  return {
    ...{ id: at, createdAt: at, copiedAt: at },
    kind: parent === undefined ? 'full' : 'increment',
    parentId: parent?.id ?? null,
    chainId: parent?.chainId ?? at,
    ...{ state: 'available', health: 'good', flags: [], source: {} },
  };
}

/** First what makes, then what removes, as a session does it. */
function withFulls(
  { job, immutableForDays }: SimulationInput,
  points: readonly SimulatedPoint[],
  nowMs: number,
): readonly SimulatedPoint[] {
  let left = points;
  const { fulls } = dueFulls(points, job, { immutableForDays, nowMs });
  for (const { restorePointId: id, synthesize, flags } of fulls) {
    left = left.map((each) =>
      each.id === id ? { ...each, flags: [...each.flags, ...flags] } : each,
    );
    if (synthesize) left = asFull(left, id);
  }
  return left;
}

function planOf(
  { job, immutableForDays, mergeAllowed }: SimulationInput,
  points: readonly SimulatedPoint[],
  nowMs: number,
) {
  const { retention: policy, gfs, endedGfs, timeZone } = job;
  return planRetention({
    ...{ points, policy, gfs, endedGfs, timeZone, nowMs, immutableForDays, mergeAllowed },
    leasedPointIds: [],
    unreadable: false,
  });
}

function perform(
  points: readonly SimulatedPoint[],
  action: RetentionAction,
): readonly SimulatedPoint[] {
  switch (action.type) {
    case 'merge':
      return asFull(points, action.incrementId).filter(({ id }) => id !== action.fullId);
    case 'synthetic':
      return asFull(points, action.restorePointId);
    case 'delete':
      return points.filter(({ id }) => !action.ids.includes(id));
  }
}

/** The point is a full, with a chain of all that builds on it. */
function asFull(points: readonly SimulatedPoint[], id: string): readonly SimulatedPoint[] {
  const chain = new Set([id]);
  return points.map((point) => {
    if (point.id === id) return { ...point, kind: 'full', parentId: null, chainId: id };
    if (point.parentId === null || !chain.has(point.parentId)) return point;
    chain.add(point.id);
    return { ...point, chainId: id };
  });
}

/** So many of the newest gaps make the pace. */
const PACE_GAPS = 20;

/** Sessions to come of a job without a calendar: at the pace of the newest restore points (the middle of their gaps, an hour at least); one a day where there are
 *  too few of them. */
export function startsAtPace(
  points: readonly Pick<SimulatedPoint, 'createdAt'>[],
  nowMs: number,
  untilMs: number,
): number[] {
  const times = points.map(({ createdAt }) => Date.parse(createdAt)).sort((a, b) => a - b);
  const gaps = times.slice(1).map((ms, index) => ms - times[index]!);
  const newest = gaps.slice(-PACE_GAPS).sort((a, b) => a - b);
  const paceMs = Math.max(HOUR_MS, newest[Math.floor(newest.length / 2)] ?? DAY_MS);
  const starts: number[] = [];
  for (let ms = nowMs + paceMs; ms <= untilMs; ms += paceMs) starts.push(ms);
  return starts;
}
