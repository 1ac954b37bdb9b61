/** Which points one of sets cannot do without. */

import type { TreePointKind } from './source-tree.js';
import type { TreeRules } from './tree-rules.js';
import { DAY_MS } from '../elapsed.js';

export interface NeedingPoint {
  readonly id: string;
  readonly createdAtMs: number;
  readonly kind: TreePointKind;
  readonly needs: readonly string[];
  readonly sizeBytes?: number;
  /** Its own. null, absent: nothing is told by them. */
  readonly files?: readonly string[] | null;
  /** Absent: it is of the whole database. */
  readonly ofPart?: string;
  /** It is worth nothing to others. */
  readonly isCorrupt?: boolean;
  /** What is missing before it, in plain words. Absent: nothing. */
  readonly gap?: string;
  /** Nobody knows when it was made (`BelievedDate`): a full serves no log then, and a log needs all that it says. */
  readonly isDoubted?: boolean;
}

/** The backups that count, for the newest and for their number: those of the whole database. Where there are none of it at all, those of its parts. */
export function countedBackups<P extends Pick<NeedingPoint, 'kind' | 'ofPart'>>(
  points: readonly P[],
): P[] {
  const backups = points.filter(({ kind }) => kind !== 'log');
  const ofAll = backups.filter(({ ofPart }) => ofPart === undefined);
  return ofAll.length > 0 ? ofAll : backups;
}

export type LogRules = Pick<TreeRules, 'logsBeforeFullMs' | 'mayBeOfOneDatabase' | 'hasOneLog'>;

/** Fulls from which a database can be rolled forward, where each log needs the one before it whatever lies between (`TreeRules.logsBeforeFullMs`). A
 *  backup of a part of a database looks like one, too: so one counts that is about as large as the largest of some weeks. */
export class ServingFulls<P extends NeedingPoint> {
  /** Oldest first. */
  readonly #fulls: readonly P[];

  constructor(
    points: readonly P[],
    private readonly rules: LogRules,
  ) {
    const fulls = points.filter(
      ({ kind, needs, ofPart }) => kind === 'full' && needs.length === 0 && ofPart === undefined,
    );
    const turned = timesTurnedBack(points, rules);
    this.#fulls =
      rules.logsBeforeFullMs === undefined
        ? []
        : fulls
            .filter((full) => full.isCorrupt !== true && full.isDoubted !== true)
            .filter(
              ({ createdAtMs }) =>
                !turned.some(([from, to]) => from <= createdAtMs && createdAtMs <= to),
            )
            .filter((full) =>
              isAboutLargest(
                full,
                fulls.filter((other) => mayBeOfOne(full, other, rules)),
              ),
            )
            .sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  /** The newest that was made before a log. null: there is none, or the needs of logs end by themselves. */
  of(log: NeedingPoint): P | null {
    const { kind, createdAtMs, isDoubted } = log;
    if (kind !== 'log' || isDoubted === true) return null;
    const serves = (full: P) =>
      full.createdAtMs <= createdAtMs && mayBeOfOne(full, log, this.rules);
    return this.#fulls.findLast(serves) ?? null;
  }

  /** Whether it is one of them. */
  has(full: P): boolean {
    return this.#fulls.includes(full);
  }

  /** Whether a log can do without another one, because that was written long enough before a full. Clocks of a database and of its storage differ by
   *  minutes. */
  isServedWithout(full: P | null, need: NeedingPoint): boolean {
    const { logsBeforeFullMs = Infinity } = this.rules;
    if (full === null || need.kind !== 'log') return false;
    return need.createdAtMs < full.createdAtMs - logsBeforeFullMs;
  }

  /** What a log needs of those that are there: instead of logs that it can do without, the full.
   *  @param absent points that are not there, by id */
  needsOf(
    point: NeedingPoint,
    absent: (id: string) => NeedingPoint | undefined,
  ): readonly string[] {
    const full = this.of(point);
    const needs = point.needs.map((need) => {
      const needed = absent(need);
      return needed !== undefined && this.isServedWithout(full, needed) ? full!.id : need;
    });
    const isSame = needs.every((need, index) => need === point.needs[index]);
    return isSame ? point.needs : [...new Set(needs)];
  }
}

export function mayBeOfOne(
  { files: own }: Pick<NeedingPoint, 'files'>,
  { files: others }: Pick<NeedingPoint, 'files'>,
  { mayBeOfOneDatabase }: LogRules,
): boolean {
  return !mayBeOfOneDatabase || !own || !others || mayBeOfOneDatabase(own, others);
}

/** Between which times clocks were turned back: a log that follows another is dated long before it. Of a full of such a time nobody knows which of the logs it holds.
 *  Several processes archive at once, and differ by minutes. */
function timesTurnedBack(
  points: readonly NeedingPoint[],
  { logsBeforeFullMs = Infinity }: LogRules,
): [number, number][] {
  const isDated = ({ kind, isDoubted }: NeedingPoint): boolean =>
    kind === 'log' && isDoubted !== true;
  const logs = new Map(points.filter(isDated).map((log) => [log.id, log]));
  return [...logs.values()].flatMap(({ needs, createdAtMs }) =>
    needs.flatMap((need): [number, number][] => {
      const beforeMs = logs.get(need)?.createdAtMs ?? -Infinity;
      const isBack = beforeMs > createdAtMs + logsBeforeFullMs;
      return isBack ? [[createdAtMs - logsBeforeFullMs, beforeMs]] : [];
    }),
  );
}

/** Whether a full is about as large as the largest of the weeks before it. */
export function isAboutLargest(full: SizedPoint, all: readonly SizedPoint[]): boolean {
  const before = all.filter(
    ({ createdAtMs }) =>
      createdAtMs <= full.createdAtMs && createdAtMs > full.createdAtMs - WEEKS_MS,
  );
  const largest = before.reduce((most, { sizeBytes = 0 }) => Math.max(most, sizeBytes), 0);
  return (full.sizeBytes ?? largest) >= LEAST_SHARE * largest;
}

type SizedPoint = Pick<NeedingPoint, 'createdAtMs' | 'sizeBytes'>;

/** For so long a full is what later ones are held against. */
export const WEEKS_MS = 35 * DAY_MS;
/** No backup takes longer: a file that is later than its beginning by more was brought here without its time. */
export const LONGEST_BACKUP_MS = 4 * DAY_MS;
/** One that has shrunk by more is believed when the larger ones are old: logs that stay too long cost room alone. */
const LEAST_SHARE = 0.9;

/** The points of `ids` and all that these need, as far as it is there. Of a chain of logs, back to the newest full that serves. */
export function withNeeds(
  points: readonly NeedingPoint[],
  ids: ReadonlySet<string>,
  rules: LogRules,
): Set<string> {
  const byId = new Map(points.map((point) => [point.id, point]));
  const fulls = new ServingFulls(points, rules);
  const found = new Set(ids);
  // The oldest first: what it needs reaches back farthest.
  const first = points
    .filter(({ id }) => ids.has(id))
    .sort((a, b) => a.createdAtMs - b.createdAtMs);
  for (const start of first) {
    const full = fulls.of(start);
    const waiting = [start];
    const add = (point: NeedingPoint | undefined) => {
      if (point === undefined || found.has(point.id)) return;
      found.add(point.id);
      waiting.push(point);
    };
    for (let point = waiting.pop(); point !== undefined; point = waiting.pop())
      for (const need of point.needs) {
        const needed = byId.get(need);
        if (needed === undefined) continue;
        add(fulls.isServedWithout(full, needed) ? full! : needed);
      }
  }
  return found;
}
