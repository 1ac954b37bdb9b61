/** What a restore of one point of a copy takes, and what is missing of it. */

import { firstTexts } from '../sentences.js';
import { ServingFulls, type LogRules } from './needed-points.js';
import type { TargetTreePoint } from './target-tree.js';
import { agedPoints } from './tree-points.js';

export interface NeededPoints {
  /** That the copy has, the one itself among them. */
  readonly points: readonly TargetTreePoint[];
  /** Ids in the source of those that it does not have. */
  readonly missing: readonly string[];
}

/** The points that one cannot do without. Where the chain of its logs ends before a full that serves, because retention has let the older ones go, that full
 *  is one of them. */
export function pointsNeededBy(
  points: readonly TargetTreePoint[],
  pointId: string,
  rules: LogRules,
): NeededPoints {
  const bySource = new Map(points.map((point) => [point.source.restorePointId, point]));
  const aged = new Map(agedPoints(points).map((point) => [point.id, point]));
  const wanted = points.find(({ id }) => id === pointId);
  const full =
    wanted === undefined
      ? null
      : new ServingFulls([...aged.values()], rules).of(aged.get(wanted.source.restorePointId)!);
  const found = new Set(wanted === undefined ? [] : [wanted]);
  const missing = new Set<string>();
  for (const { needs, kind, createdAt } of found)
    for (const need of needs) {
      const point = bySource.get(need);
      const isServed = full !== null && kind === 'log' && Date.parse(createdAt) < full.createdAtMs;
      if (point !== undefined) found.add(point);
      else if (isServed) found.add(bySource.get(full.id)!);
      else missing.add(need);
    }
  return { points: points.filter((point) => found.has(point)), missing: [...missing] };
}

/** What a point needs and the copy does not have, and gaps before what it needs; one plain sentence each. */
export function missingTexts(
  points: readonly TargetTreePoint[],
  pointId: string,
  rules: LogRules,
): string[] {
  const needed = pointsNeededBy(points, pointId, rules);
  const { missing } = needed;
  const absent =
    missing.length === 0
      ? []
      : [`it needs ${firstTexts(missing).join(', ')}, which the copy does not have`];
  const gaps = needed.points.flatMap(({ source, gap }) =>
    gap === undefined ? [] : [`${source.restorePointId}: ${gap}`],
  );
  return [...absent, ...firstTexts(gaps)];
}
