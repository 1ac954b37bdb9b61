import { expect, it } from 'vitest';
import { createNotifyActivities } from '../../../activities/notify-activities.js';
import type { SafetySeen } from '../../../src/domain/safety/safety.js';
import { inActivity } from '../../support/activities/in-activity.js';

it('a look that does not know what all jobs have left is not whole: nothing ends by it', async () => {
  const look = (seen: Partial<SafetySeen>) => {
    const { lookAtSafety } = createNotifyActivities({
      notifications: { watchSeconds: 60, holdSeconds: 0, channels: [] },
      timeZone: 'UTC',
      readSafety: async () => ({
        verdict: { state: 'safe', sentence: 'All is well.', clauses: [], sinceMs: null },
        ...{ problems: [], workloads: [], uncopied: { places: [], omittedCount: 0 } },
        ...seen,
      }),
    });
    return inActivity(lookAtSafety, undefined);
  };
  expect(await look({ areOutcomesKnown: false })).toMatchObject({ isWhole: false });
  expect(await look({ areOutcomesKnown: true })).toMatchObject({ isWhole: true });
  expect(await look({})).toMatchObject({ isWhole: true });
});
