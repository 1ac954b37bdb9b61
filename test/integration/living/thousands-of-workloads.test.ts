import { describe, expect, it } from 'vitest';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
const DISK = '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11';
const FILE = `20261102220000.00000000-0000-4000-8000-000000000001.${DISK}.full.qcow2`;
/** Their names alone are more than one payload holds. */
const MACHINES = 9_500;
/** More than two pages hold: each takes a look of its own at all of them. */
const PLANNED = 2_500;
const machine = (n: number) => `vm-${String(n).padStart(5, '0')}-${'n'.repeat(231)}`;

/** One that is whole, and thousands whose only backup is a byte long. */
describe('a source of thousands of workloads', () => {
  async function sourceOf(machines: number): Promise<SimulatedRepository> {
    const source = new SimulatedRepository('primary');
    for (let n = 1; n < machines; n++) {
      await source.makeFolder(machine(n));
      const file = await source.openWrite(`${machine(n)}/${FILE}`, 'new');
      await file.write(Buffer.alloc(1), 0);
      await file.close();
    }
    for (const name of [machine(0), 'gone'])
      await new GrowingSource(source, name, { blockCount: 2 }).backUp(FIRST_AT_MS, 'full');
    return source;
  }

  it('is planned page by page, each workload once', async () => {
    const sources = [await sourceOf(PLANNED), new SimulatedRepository('offsite')];
    const pages = await new LocalSessions(sources).plan(testJob(), FIRST_AT_MS + DAY_MS);

    const planned = pages.flatMap(({ workloads }) => workloads.map(({ workload }) => workload));
    const names = ['gone', ...Array.from({ length: PLANNED }, (_, n) => machine(n))];
    expect(pages.length).toBeGreaterThan(2);
    expect(planned.length).toBe(PLANNED + 1);
    expect(planned.sort()).toEqual(names);
  });

  it('is compared with the copies that are there, whatever it shows beside them', async () => {
    const source = await sourceOf(MACHINES);
    const sessions = new LocalSessions([source, new SimulatedRepository('offsite')]);
    const job = testJob({ removedWorkloadsAfterDays: 30 });
    const workloads = [`ovirt-${machine(0)}`, 'ovirt-gone'];
    await sessions.copy(job, FIRST_AT_MS + DAY_MS, { workloads });
    await source.remove(`gone/${FILE}`);
    await source.removeFolder('gone');

    const { tasks } = await sessions.copy(job, FIRST_AT_MS + 2 * DAY_MS, { workloads });

    const gone = tasks.find(({ workload }) => workload === 'gone');
    // Named by who started it, and not there to be copied.
    const warned = tasks.filter(({ result }) => result === 'warning');
    expect(warned.map(({ code }) => code)).toEqual(['WORKLOAD_MISSING']);
    expect(gone).toMatchObject({ result: 'nothingToCopy' });
    expect(gone?.notes).toEqual([expect.stringContaining('no source shows it')]);
  });
});
