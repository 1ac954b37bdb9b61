import { expect, it } from 'vitest';
import type { CopyJob } from '../../../src/domain/jobs/copy-job.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { ChangeRun } from '../../support/kill-table/change-run.js';
import { jobOf, sessionOf } from '../../support/kill-table/scenarios.js';
import { noise } from '../../support/kill-table/source-chain.js';
import { pointsOf, wrongPoints } from '../../support/living/read-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';

/** Of a day: sectors of the disk, and the seed of the noise in its middle. Sizes that are no whole number of blocks, shrunk and grown. */
const DAYS = [
  { sectors: 701, seed: 1 },
  { sectors: 500, seed: 2 },
  { sectors: 900, seed: 3 },
  { sectors: 900, seed: 4 },
];
const SECTOR_BYTES = 512;

/** Every day its first and its last block are the same, and the middle another. */
const DISKS = DAYS.map(({ sectors, seed }) => {
  const disk = Buffer.alloc(sectors * SECTOR_BYTES);
  noise(9, 70_000).copy(disk);
  noise(seed, 80_000).copy(disk, 131_072);
  noise(8, 3_000).copy(disk, disk.length - 3_000);
  return disk;
});

/** As `virsh backup-begin` leaves it, day by day. */
async function rawSource(): Promise<SimulatedRepository> {
  const source = new SimulatedRepository('primary');
  await source.makeFolder('vm');
  const write = async (name: string, bytes: Buffer) => {
    const file = await source.openWrite(`vm/${name}`, 'open-or-new');
    await file.write(bytes, 0);
    await file.close();
  };
  for (const [day, disk] of DISKS.entries()) {
    await write(`vda.cp${day}.raw`, disk);
    const createdAt = Date.UTC(2026, 10, 1 + day) / 1000;
    const xml =
      `<domaincheckpoint><name>cp${day}</name><creationTime>${createdAt}</creationTime>` +
      `<disks><disk name='vda' checkpoint='bitmap' bitmap='cp${day}'/></disks><domain type='kvm'>` +
      `<name>vm</name><uuid>6f1d2c3b-4a59-4e68-8b77-9c0d1e2f3a4b</uuid></domain></domaincheckpoint>`;
    await write(`checkpoint.cp${day}.xml`, Buffer.from(xml));
  }
  source.settleAll();
  return source;
}

it('raw fulls are copied, compared and let go without a loss, wherever work on them is stopped and cut', async () => {
  const source = await rawSource();
  const [workload] = await listSourceWorkloads(source);
  const look = async (repository: SimulatedRepository) => {
    const chain = { repository, jobId: jobOf().id, workloadId: workload!.id };
    const points = await pointsOf(chain);
    const truth = ({ createdAt }: { createdAt: string }) =>
      DISKS[Number(createdAt.slice(8, 10)) - 1]!;
    const formats = points.map(({ disks }) => disks[0]!.format);
    return { formats, wrong: points.length === 0 ? [] : await wrongPoints(chain, truth) };
  };
  const session = (job: CopyJob, target: SimulatedRepository, number: number) =>
    ChangeRun.begin(sessionOf(job), source, target, { number }).toEnd();

  let target = new SimulatedRepository('offsite');
  const faults: unknown[] = [];
  for (const { job, formats } of [
    { job: jobOf(), formats: ['raw', 'qcow2', 'qcow2', 'qcow2'] },
    { job: jobOf(2), formats: ['qcow2', 'qcow2'] },
  ]) {
    const end = { formats, wrong: [] };
    const undisturbed = target.clone();
    expect(await session(job, undisturbed, 1)).toBeNull();
    expect(await look(undisturbed)).toEqual(end);
    expect(undisturbed.operations.length).toBeGreaterThan(30);
    for (let at = 1; at <= undisturbed.operations.length; at += 9) {
      const when = (['before', 'after', 'torn'] as const)[at % 3]!;
      const crashing = target.clone({ crash: { atOperation: at, when } });
      await expect(session(job, crashing, 1)).rejects.toThrow(WorkerDeath);
      for (const loss of [{ kind: 'none' }, { kind: 'power', seed: at }] as const) {
        const after = crashing.restart(loss);
        const { wrong } = await look(after);
        const outcome = await session(job, after, 2);
        const found = await look(after);
        if (outcome !== null || wrong.length > 0 || JSON.stringify(found) !== JSON.stringify(end))
          faults.push({ at, when, loss, wrong, outcome, found });
      }
    }
    undisturbed.settleAll();
    target = undisturbed;
  }
  expect(faults).toEqual([]);
});
