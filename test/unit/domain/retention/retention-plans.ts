/** Retention plans for tests: what is asked of them, and what they say in short. */

import type { GfsPolicy } from '../../../../src/domain/jobs/copy-job.js';
import {
  planRetention,
  type RetentionAction,
  type RetentionInput,
  type RetentionPlan,
} from '../../../../src/domain/retention/retention.js';
import type { TargetRestorePoint } from '../../../../src/domain/targets/target-point.js';

/** The full of each Sunday, for four weeks. */
export const WEEKLY: GfsPolicy = {
  weekly: { keep: 4, day: 'sunday' },
  monthly: null,
  yearly: null,
  fullMethod: 'synthetic',
};
export const id = (day: string): string => `${day}T22:00:00Z`;
const day = (pointId: string): string => pointId.slice(8, 10);

/** Retention that runs a minute after the newest copy, unless `change` says otherwise. */
export function plan(
  points: TargetRestorePoint[],
  change: Partial<RetentionInput> = {},
): RetentionPlan {
  return planRetention({
    points,
    policy: { type: 'restorePoints', value: 7 },
    gfs: null,
    timeZone: 'UTC',
    nowMs: Date.parse(points.at(-1)?.copiedAt ?? '') + 60_000,
    immutableForDays: 0,
    leasedPointIds: [],
    unreadable: false,
    mergeAllowed: true,
    ...change,
  });
}

export const days = (value: number) => ({ policy: { type: 'days', value } }) as const;
export const newest = (value: number) => ({ policy: { type: 'restorePoints', value } }) as const;

/** `merge 20<21`, `synthetic 24`, `delete 22,21,20`: days of November 2026. */
export function brief(actions: readonly RetentionAction[]): string[] {
  return actions.map((action) => {
    switch (action.type) {
      case 'merge':
        return `merge ${day(action.fullId)}<${day(action.incrementId)}`;
      case 'synthetic':
        return `synthetic ${day(action.restorePointId)}`;
      case 'delete':
        return `delete ${action.ids.map(day).join(',')}`;
    }
  });
}

export const reasonOf = (result: RetentionPlan, date: string): readonly string[] | undefined =>
  result.keep.find((point) => point.id === id(date))?.reasons;
