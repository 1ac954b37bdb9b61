import { planRetention, type RetentionInput } from '../src/domain/retention/retention.js';
import { median } from './rounds.js';
import { DAY_MS } from '../src/domain/elapsed.js';

const POINTS = 10_000;
const REPEATS = 9;
const NEWEST_MS = Date.UTC(2026, 10, 24);

/** Milliseconds to plan the retention of 10,000 points in one chain of daily increments: the median, and the first time. */
export function measureRetentionPlanning(): { medianMs: number; firstMs: number } {
  const input = retentionInput();
  const times: number[] = [];
  for (let i = 0; i < REPEATS; i++) {
    const startedAtMs = performance.now();
    const { actions } = planRetention(input);
    times.push(performance.now() - startedAtMs);
    if (actions.length !== POINTS - KEPT) throw new Error(`${actions.length} merges were planned`);
  }
  return { medianMs: median(times), firstMs: times[0]! };
}

const KEPT = 7;

function retentionInput(): RetentionInput {
  const points = Array.from({ length: POINTS }, (_, i) => {
    const createdAt = new Date(NEWEST_MS - (POINTS - i) * DAY_MS).toISOString();
    return {
      id: `point-${i}`,
      createdAt,
      copiedAt: createdAt,
      parentId: i === 0 ? null : `point-${i - 1}`,
      chainId: 'point-0',
      state: 'available',
      health: 'good',
      flags: [],
      source: {},
    } as const;
  });
  return {
    points,
    policy: { type: 'restorePoints', value: KEPT },
    gfs: null,
    timeZone: 'UTC',
    nowMs: NEWEST_MS,
    immutableForDays: 0,
    leasedPointIds: [],
    unreadable: false,
    mergeAllowed: true,
  };
}
