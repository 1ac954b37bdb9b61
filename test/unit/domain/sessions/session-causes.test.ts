import { expect, it } from 'vitest';
import { sessionCauses } from '../../../../src/domain/sessions/session-causes.js';
import type { TaskCounts } from '../../../../src/domain/sessions/copy-session.js';

it('a session whose every task failed for one cause says of how many, also of those whose tasks are not kept', () => {
  const tasks = ['vm0', 'vm1', 'vm2', 'vm3'].map((workload) => ({
    workload,
    ...{ code: 'REPOSITORY_FULL', result: 'failed' },
  })) as Parameters<typeof sessionCauses>[0];
  expect(sessionCauses(tasks, { failed: 2_000 } as TaskCounts)).toEqual([
    { code: 'REPOSITORY_FULL', workloads: ['vm0', 'vm1', 'vm2'], count: 2_000 },
  ]);
});
