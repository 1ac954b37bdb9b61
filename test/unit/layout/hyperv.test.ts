import { rm } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { VHDX } from '../../../src/image/vhdx/vhdx-format.js';
import { hypervLayout } from '../../../src/layout/hyperv/hyperv.js';
import { blockOf, composeDisk } from '../../support/image/composed-disk.js';
import { fixtureImage } from '../../support/image/real-images.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { shown, treeOf } from '../../support/layout/tree.js';

const MACHINE = 'EC04F346-DB96-4700-AF5B-77B3C56C38BD';
const CHECKPOINT = '49C4BAF3-4B25-4406-8C4B-D39E65C32385';
const MIB = 1024 * 1024;
const DATE = '2026-11-24T22:00:00.000Z';

const parent = fixtureImage('hyperv/ntfs-parent.vhdx.gz').bytes;
const child = fixtureImage('hyperv/ntfs-differential.vhdx.gz').bytes;

/** A machine as `Export-VM` leaves it: real disks of Windows under names as Hyper-V gives them. Its description is not read. */
function exported(root: string): Record<string, string | Uint8Array> {
  return {
    [`${root}/Virtual Machines/${MACHINE}.vmcx`]: 'vmcx',
    [`${root}/Virtual Machines/${MACHINE}.VMRS`]: 'vmrs',
    [`${root}/Snapshots/${CHECKPOINT}.vmcx`]: 'vmcx',
    [`${root}/Virtual Hard Disks/ntfs-parent.vhdx`]: parent,
    [`${root}/Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`]: child,
    [`${root}/Virtual Hard Disks/ntfs-parent.vhdx.rct`]: 'rct',
  };
}

describe('exports of Hyper-V', () => {
  it('are one full of a machine, with the parents of its checkpoints below its disks', async () => {
    const { repository } = await treeOf(exported('exports/monday/web01'));
    const workloads = await scanWith(hypervLayout, repository);
    const disks = 'exports/monday/web01/Virtual Hard Disks';
    expect(shown(workloads)).toEqual([
      {
        ...{ id: `hyperv-${MACHINE.toLowerCase()}`, name: 'web01', type: 'hyper-v' },
        points: [
          [
            ...[DATE, DATE, 'complete'],
            `ntfs-parent vhdx ${disks}/ntfs-parent_${CHECKPOINT}.avhdx`,
            `Snapshots/${CHECKPOINT}.vmcx = exports/monday/web01/Snapshots/${CHECKPOINT}.vmcx`,
            `Virtual Hard Disks/ntfs-parent.vhdx = ${disks}/ntfs-parent.vhdx`,
            `Virtual Machines/${MACHINE}.VMRS = exports/monday/web01/Virtual Machines/${MACHINE}.VMRS`,
            `Virtual Machines/${MACHINE}.vmcx = exports/monday/web01/Virtual Machines/${MACHINE}.vmcx`,
          ],
        ],
      },
    ]);
    expect(workloads[0]?.restorePoints[0]?.disks[0]).toMatchObject({
      as: `Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`,
      below: [{ path: `${disks}/ntfs-parent.vhdx`, format: 'vhdx' }],
    });
  });

  const statesOf = async (files: Record<string, string | Uint8Array>) => {
    const { repository } = await treeOf(files);
    const [workload] = await scanWith(hypervLayout, repository);
    return workload?.restorePoints.map(({ state, reason }) => [state, reason]);
  };

  it('are broken without the parent of a checkpoint, and with one that was changed since', async () => {
    const files = exported('web01');
    delete files['web01/Virtual Hard Disks/ntfs-parent.vhdx'];
    const above = `web01/Virtual Hard Disks/ntfs-parent_${CHECKPOINT}.avhdx`;
    expect(await statesOf(files)).toEqual([
      ['broken', `ntfs-parent.vhdx, the parent of ${above}, is missing`],
    ]);
    const changed = await composeDisk(VHDX.composer, {
      ...{ virtualSizeBytes: 4 * MIB, dialect: {}, blocks: new Map([[1, blockOf(1)]]) },
    });
    files['web01/Virtual Hard Disks/ntfs-parent.vhdx'] = changed.bytes;
    expect(await statesOf(files)).toEqual([
      [
        'broken',
        `${above} builds on an earlier content of ntfs-parent.vhdx: that was changed afterwards`,
      ],
    ]);
  });

  it('are incomplete without a description, and with a disk that was cut off', async () => {
    const files = exported('web01');
    delete files[`web01/Virtual Machines/${MACHINE}.vmcx`];
    expect(await statesOf(files)).toEqual([
      ['incomplete', 'the description of a machine is not there yet'],
    ]);
    const cut = exported('web01');
    cut['web01/Virtual Hard Disks/other.vhdx'] = parent.subarray(0, 5 * MIB);
    expect((await statesOf(cut))?.map(([state]) => state)).toEqual(['incomplete']);
  });

  it('of a machine in several folders are its restore points', async () => {
    const files = { ...exported('monday/web01'), ...exported('tuesday/web01') };
    const { repository } = await treeOf(files);
    const workloads = await scanWith(hypervLayout, repository);
    expect(new Set(workloads.map(({ id }) => id)).size).toBe(1);
  });

  it('leave alone folders without the description of a machine', async () => {
    const copy = await treeOf(exported('web01'));
    await rm(copy.at('web01/Virtual Machines'), { recursive: true });
    expect(await scanWith(hypervLayout, copy.repository)).toEqual([]);
  });
});
