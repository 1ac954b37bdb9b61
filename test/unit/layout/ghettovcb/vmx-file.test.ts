import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseVmx } from '../../../../src/layout/ghettovcb/vmx-file.js';
import { REAL_FIXTURES } from '../../../support/image/real-fixtures.js';

describe.skipIf(REAL_FIXTURES === null)('parseVmx with definitions of VMware', () => {
  const read = async (name: string) =>
    parseVmx(await readFile(join(REAL_FIXTURES ?? '', 'vmx', name), 'utf8'));

  it('finds the disks of a machine with two controllers, none in the unit of a controller', async () => {
    const { disks } = await read('v2v-test-i-vmx-1.vmx');
    // Numbers of files are none of units: 7 is the controller's, and the disk after unit 6 is `_7` in unit 8.
    const units = [...Array(7).keys(), 8, 9, 10, 11, 12, 13, 14, 15].map((unit) => `scsi0:${unit}`);
    const nodes = [...units, ...[...Array(6).keys()].map((unit) => `scsi1:${unit}`)];
    const files = nodes.map((_, n) => `BZ1308535_21disks${n === 0 ? '' : `_${n}`}.vmdk`);
    expect(disks.map(({ node, fileName }) => [node, fileName])).toEqual(
      nodes.map((node, n) => [node, files[n]]),
    );
  });

  it('finds the one disk of a machine whose name has blanks', async () => {
    expect(await read('v2v-test-i-vmx-5.vmx')).toEqual({
      disks: [{ node: 'scsi0:0', fileName: 'MSEdge-Win10_preview.vmdk', isIndependent: false }],
      isEncrypted: false,
    });
  });

  it('finds a disk behind NVMe, and says what is encrypted', async () => {
    expect((await read('v2v-test-i-vmx-6.vmx')).disks.map(({ node }) => node)).toContain('nvme0:0');
    expect(await read('encrypted.vmx')).toEqual({ disks: [], isEncrypted: true });
  });
});
