import { describe, expect, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';
import { ChangeRun, NOW_MS } from '../../support/kill-table/change-run.js';
import { readShownPoints } from '../../support/kill-table/read-points.js';
import { jobOf, prepareScenario } from '../../support/kill-table/scenarios.js';

const HOUR_MS = 3_600_000;
const POWER_CUTS = 8;

describe.skipIf(!requireTool('qemu-img'))('a block that a killed repair has put in place', () => {
  it('is durable before the next check calls it good, also when a copy has come between', async () => {
    const scenario = await prepareScenario('heal of damaged blocks');
    const { source, change } = scenario;
    const undisturbed = ChangeRun.begin(change, source, scenario.target.clone(), { number: 1 });
    await undisturbed.toEnd();
    const overwrites = undisturbed.target.operations.filter(
      ({ kind, path }) =>
        kind === 'write' && path.endsWith('.qcow2') && !path.includes('/.staging/'),
    );
    expect(overwrites.length).toBeGreaterThan(1);
    for (const { number } of overwrites) {
      const crash = { atOperation: number, when: 'after' } as const;
      const target = scenario.target.clone({ crash });
      const killed = ChangeRun.begin(change, source, target, { number: 1 });
      await expect(killed.toEnd()).rejects.toThrow(WorkerDeath);

      const survivor = target.restart({ kind: 'none' });
      const sessions = new LocalSessions([source, survivor]);
      await sessions.copy(jobOf(), NOW_MS + HOUR_MS);
      const { result } = await sessions.verify('offsite', NOW_MS + 2 * HOUR_MS);
      expect(['success', 'warning']).toContain(result);

      for (let seed = 1; seed <= POWER_CUTS; seed++) {
        const cut = survivor.restart({ kind: 'power', seed });
        expect((await readShownPoints(cut, scenario)).faults).toEqual([]);
      }
    }
  });
});
