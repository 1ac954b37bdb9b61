import { beforeAll, describe, expect, it } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import type { PendingChange } from '../../../src/chain/chain-record.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const RETENTION = { type: 'restorePoints', value: 99 } as const;
const JOB = testJob({ restorePoints: 'all', retention: RETENTION });

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
});

/** A removal of the newest point that was announced, and waits for who restores it. */
async function waiting(type: 'quarantine' | 'delete'): Promise<MachineCopy> {
  const copy = await machine.copy([3, 'restore']);
  const ids = [machine.idOf(3)];
  const points = machine.before.points.slice(0, 3);
  const { revision } = machine.before;
  const pending: PendingChange =
    type === 'delete' ? { type, ids } : { type, ids, revision: revision + 1 };
  await writeChainRecord(copy.target, machine.chain, { ...machine.before, points, pending });
  return copy;
}

describe('a restore point whose removal waits for a reader', () => {
  it.each(['quarantine', 'delete'] as const)(
    'keeps its folder when its source point is copied again meanwhile (%s)',
    async (type) => {
      const copy = await waiting(type);
      const sessions = new LocalSessions([copy.source, copy.target]);
      const { tasks } = await sessions.copy(JOB, NOW_MS);
      expect(tasks).toMatchObject([{ result: 'warning', code: null }]);
      // Whoever reads it finds it where it was.
      expect(await copy.folders()).toEqual([0, 1, 2, 3]);
      const again = (await copy.record()).points.at(-1)!;
      expect(again.source.restorePointId).toBe(machine.sourceId(3));

      await copy.target.remove(`${machine.chain}/.leases/lease-0.json`);
      await sessions.copy(JOB, NOW_MS + DAY_MS);
      expect(await copy.folders()).toEqual([0, 1, 2]);
      const after = await copy.record();
      expect(after.pending).toBeNull();
      expect(after.points.map(({ id }) => id)).toContain(again.id);
      expect(await machine.wrongPoints(copy.target)).toEqual([]);
    },
  );

  it.each(['quarantine', 'delete'] as const)(
    'is left alone when the record lists a point of its name again (%s)',
    async (type) => {
      const copy = await waiting(type);
      const { points } = machine.before;
      await writeChainRecord(copy.target, machine.chain, { ...(await copy.record()), points });
      await copy.target.remove(`${machine.chain}/.leases/lease-0.json`);
      const { tasks } = await new LocalSessions([copy.source, copy.target]).copy(JOB, NOW_MS);
      expect(tasks).toMatchObject([{ result: 'nothingToCopy' }]);
      expect(await copy.folders()).toEqual([0, 1, 2, 3]);
      expect((await copy.record()).pending).toBeNull();
    },
  );
});
