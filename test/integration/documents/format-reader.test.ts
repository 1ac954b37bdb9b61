import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { fencedRepository } from '../../../src/repository/fenced-repository.js';
import { InProcessMover, type CopyOrder } from '../../support/mover/in-process-mover.js';
import { requireTool } from '../../support/image/qemu.js';
import { libvirtTruth, TestSite } from '../../support/session/test-site.js';

const run = promisify(execFile);
const READER = join(import.meta.dirname, 'read_target.py');

interface Reading {
  readonly points: readonly { readonly id: string; readonly disks: Record<string, string> }[];
  readonly checkedDigests: number;
  readonly wrong: readonly string[];
}

/** The reader is written from docs/FORMAT.md alone: it shares no code with the product, not even the language. */
describe.skipIf(!requireTool('python3'))('a reader written from docs/FORMAT.md', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.create();
  });
  afterEach(() => site.remove());

  async function copy(workloadName: string): Promise<CopyOrder> {
    const { id, name } = await site.workload(workloadName);
    const order: CopyOrder = {
      jobId: 'nightly',
      owner: 'session-1',
      workload: { id, name, type: 'libvirt-kvm' },
      sourceRepositoryId: 'primary',
      targetRepositoryId: 'offsite',
      restorePoints: 'all',
    };
    await new InProcessMover(await site.openSource(), await site.openTarget()).copy(order);
    return order;
  }

  function chainOf(order: CopyOrder): string {
    return site.path('offsite', chainFolder(order.jobId, order.workload.id));
  }

  async function read(order: CopyOrder): Promise<Reading> {
    const { stdout } = await run('python3', [READER, chainOf(order)]);
    return JSON.parse(stdout) as Reading;
  }

  it.each(['files01', 'web01'])(
    'reads every restore point of a chain and finds every digest right (%s)',
    async (name) => {
      const { points, checkedDigests, wrong } = await read(await copy(name));
      expect(points.map(({ disks }) => disks)).toEqual(
        Object.values((await libvirtTruth())[name]!),
      );
      expect(wrong).toEqual([]);
      expect(checkedDigests).toBeGreaterThan(40);
    },
  );

  it('takes the second copy of the commit record when the first is damaged', async () => {
    const order = await copy('web01');
    const before = await read(order);
    await writeFile(join(chainOf(order), 'chain.json'), '{ "longhaulChain": 1 ');
    expect(await read(order)).toEqual(before);
  });

  it('names the unit in which a bit was flipped', async () => {
    const order = await copy('web01');
    const { points } = await read(order);
    const path = `${points[1]!.id}/vda.qcow2`;
    const bytes = await readFile(join(chainOf(order), path));
    bytes[2 * 65_536 + 17]! ^= 1;
    await writeFile(join(chainOf(order), path), bytes);
    expect((await read(order)).wrong).toEqual([`${path} unit 2`]);
  });

  it('reads the surviving points while a merge is stopped before and after its rename', async () => {
    const order = await copy('files01');
    const [, ...surviving] = Object.values((await libvirtTruth())['files01']!);
    for (const stop of ['before', 'after'] as const) {
      await expect(merge(order, stop)).rejects.toThrow('stopped');
      const { points, wrong } = await read(order);
      expect(points.map(({ disks }) => disks)).toEqual(surviving);
      expect(wrong).toEqual([]);
    }
    await merge(order, 'never');
    const { points, wrong } = await read(order);
    expect(points.map(({ disks }) => disks)).toEqual(surviving);
    expect(wrong).toEqual([]);
  });

  /** Merges the oldest increment, as a new session that finds what the last one left, and stops at the first rename of a full. */
  async function merge(order: CopyOrder, stop: 'before' | 'after' | 'never'): Promise<void> {
    const target = stoppingAtRename(await site.openTarget(), stop);
    const mover = new InProcessMover(await site.openSource(), target);
    const chain = chainFolder(order.jobId, order.workload.id);
    const owner = `session that stops ${stop}`;
    const { record } = await mover.run('inspectTargetChain', { ...order, chain, owner, nowMs: 0 });
    const [full, increment] = record.points;
    if (full?.kind !== 'full' || increment?.kind !== 'increment' || record.points.length < 3)
      return;
    await mover.mergeIncrement({
      targetRepositoryId: 'offsite',
      chain,
      epoch: record.epoch,
      nowMs: Date.now(),
      fullId: full.id,
      incrementId: increment.id,
    });
  }
});

function stoppingAtRename(
  repository: BackupRepository,
  stop: 'before' | 'after' | 'never',
): BackupRepository {
  const unchanged = fencedRepository(repository, () => undefined);
  return {
    ...unchanged,
    async rename(from, to) {
      const isSwitch = stop !== 'never' && to.endsWith('.qcow2');
      if (isSwitch && stop === 'before') throw new Error('stopped');
      await unchanged.rename(from, to);
      if (isSwitch) throw new Error('stopped');
    },
  };
}
