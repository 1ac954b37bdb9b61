import { describe, expect, it } from 'vitest';
import { settlePoints } from '../../../../src/domain/sources/settle.js';
import { VHDX } from '../../../../src/image/vhdx/vhdx-format.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { composeDisk, blockOf } from '../../../support/image/composed-disk.js';
import { MemoryBytes } from '../../../support/image/byte-files.js';
import { closedVhdx, openedVhdx } from '../../../support/image/open-vhdx.js';
import { treeOf } from '../../../support/layout/tree.js';

const MIB = 1024 * 1024;
const VOLUME = '9b9cfbc3-369e-11e9-a17c-806e6f6e6963';
const PC = 'WindowsImageBackup/PC1';
const BACKUP = `${PC}/Backup 2026-11-23 124351`;
const SPECS = String.raw`<BackupSpecs><FileSpecs><Volume Name="\\?\Volume{${VOLUME}}\"/></FileSpecs></BackupSpecs>`;
const CHECKPOINT = '49C4BAF3-4B25-4406-8C4B-D39E65C32385';

const openText = (path: string): string =>
  `incomplete: ${path} is open, or was when its host stopped: its log is not empty; it is copied once it is closed, and if nothing has it open, Mount-VHD and Dismount-VHD write the log back`;

/** Of each workload its id, and its points an hour after they were found. */
async function settled(files: Record<string, string | Uint8Array>): Promise<unknown[]> {
  const { repository } = await treeOf(files);
  const nowMs = Date.now() + 3_600_000;
  return (await scanRepository(repository)).map(({ id, restorePoints }) => [
    id,
    ...settlePoints(restorePoints, { nowMs, settleMs: 60_000 }).map(({ state, reason }) =>
      reason === null ? state : `${state}: ${reason}`,
    ),
  ]);
}

/** An increment of the closed disk, as a checkpoint leaves it. */
async function checkpoint(base: Buffer): Promise<Buffer> {
  const { linkId } = await VHDX.readHead(new MemoryBytes(base, 'base'));
  const parent = { link: 'web01.vhdx', format: 'vhdx', linkId, virtualSizeBytes: 4 * MIB };
  const blocks = new Map([[2, blockOf(2)]]);
  return (
    await composeDisk(VHDX.composer, { virtualSizeBytes: 4 * MIB, dialect: {}, blocks, parent })
  ).bytes;
}

describe('a VHDX that is open', () => {
  it.each([
    ['profiles/Profile_ann.VHDX', 'a profile of FSLogix'],
    ['vms/web01/Virtual Hard Disks/web01.vhdx', 'a disk of Hyper-V without its machine'],
  ])('is incomplete, however long it has been still: %s (%s)', async (path) => {
    const closed = await closedVhdx();
    const [[id, state] = []] = (await settled({ [path]: closed })) as string[][];
    expect(state).toBe('complete');
    expect(await settled({ [path]: openedVhdx(closed) })).toEqual([[id, openText(path)]]);
  });

  it('is incomplete as a volume of wbadmin', async () => {
    const files = { [`${PC}/MediaId`]: 'x', [`${BACKUP}/BackupSpecs.xml`]: SPECS };
    const closed = await closedVhdx();
    const path = `${BACKUP}/${VOLUME}.vhdx`;
    const [[id, state] = []] = (await settled({ ...files, [path]: closed })) as string[][];
    expect(state).toBe('complete');
    const open = await settled({ ...files, [path]: openedVhdx(closed) });
    expect(open).toEqual([[id, openText(path)]]);
  });

  it('stays a point of its disk, where its checkpoint is open', async () => {
    const base = await closedVhdx();
    const top = await checkpoint(base);
    const path = `vms/web01_${CHECKPOINT}.avhdx`;
    const closed = (await settled({ 'vms/web01.vhdx': base, [path]: top })) as string[][];
    expect(closed).toEqual([[closed[0]![0], 'complete', 'complete']]);
    const open = await settled({ 'vms/web01.vhdx': base, [path]: openedVhdx(top) });
    expect(open).toEqual([[closed[0]![0], 'complete', openText(path)]]);
    const [below = []] = (await settled({
      'vms/web01.vhdx': openedVhdx(base),
      [path]: top,
    })) as string[][];
    expect(below[1]).toBe(
      `${openText('vms/web01.vhdx')}; mount the newest checkpoint that builds on it, never this disk itself: what builds on it would not fit any more`,
    );
  });
});
