import { expect, it } from 'vitest';
import { CopiedMachine } from '../../../support/living/copied-machine.js';
import { testJob } from '../../../support/session/test-site.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

/** The machine has four points in its copy and two more in its source. The next session is the oracle of the plan. */
it.each([3, 4, 5, 9])(
  'a plan names what the next session keeps and lets go, when %d points are to stay',
  async (value) => {
    const machine = await CopiedMachine.make();
    const copy = await machine.copy();
    const job = testJob({ retention: { type: 'restorePoints', value } });
    const look = { job, immutableForDays: 0, nowMs: copy.nowMs, settleMs: {}, after: null };
    const { workloads } = await copy.mover.run('planJob', look);
    const { keep, actions } = workloads[0]!.retention;
    await new LocalSessions([copy.source, copy.target]).copy(job, copy.nowMs);
    const kept = (await copy.record()).points.map(({ id }) => id);
    expect(keep.map(({ id }) => id)).toEqual(kept);
    expect(kept).toHaveLength(Math.min(6, value));
    expect(actions).toHaveLength(6 - kept.length);
    for (const { id } of machine.before.points)
      if (!kept.includes(id)) expect(actions.join('; ')).toContain(id);
  },
);
