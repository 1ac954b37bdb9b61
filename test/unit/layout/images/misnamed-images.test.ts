import { describe, expect, it } from 'vitest';
import { mkdir } from 'node:fs/promises';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { qemuImg, requireTool } from '../../../support/image/qemu.js';
import { treeOf } from '../../../support/layout/tree.js';

describe.skipIf(!requireTool('qemu-img'))('an image under the name of another format', () => {
  it.each([
    [
      'qcow2',
      'web.vmdk',
      'broken',
      'd/web.vmdk is a qcow2 image, whatever its name says: call it .qcow2',
    ],
    [
      'vmdk',
      'web.qcow2',
      'broken',
      'd/web.qcow2 is a vmdk image, whatever its name says: call it .vmdk',
    ],
    [
      'vhdx',
      'web.vhd',
      'broken',
      'd/web.vhd is a vhdx image, whatever its name says: call it .vhdx',
    ],
    [
      'vpc',
      'web.vhdx',
      'broken',
      'd/web.vhdx is a vhd image, whatever its name says: call it .vhd',
    ],
    ['vpc', 'web.vhd', 'complete', null],
    ['vmdk', 'web.vmdk', 'complete', null],
  ])('is told, and one under its own is taken (%s as %s)', async (format, name, state, reason) => {
    const copy = await treeOf({});
    await mkdir(copy.at('d'));
    await qemuImg('create', '-q', '-f', format, copy.at(`d/${name}`), '4M');
    const [workload] = await scanRepository(copy.repository);
    expect(workload!.restorePoints).toMatchObject([{ state, reason }]);
  });

  it('may still be on its way where its start is none of another', async () => {
    const { repository } = await treeOf({ 'd/web.qcow2': 65_536, 'd/web.vhd': 65_536 });
    const found = await scanRepository(repository);
    expect(found.map(({ restorePoints: [point] }) => point!.state)).toEqual([
      'incomplete',
      'incomplete',
    ]);
  });
});
