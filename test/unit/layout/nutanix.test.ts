import { describe, expect, it } from 'vitest';
import { nutanixLayout } from '../../../src/layout/nutanix/nutanix.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { makeDisk, shown, treeOf } from '../../support/layout/tree.js';
import { requireTool } from '../../support/image/qemu.js';

const A = '2f9c1d3e-58b4-4d1b-9a52-0c6f7b3d9e01';
const B = '7c1e2f3a-1111-4222-8333-944455556666';

describe('disks of Nutanix AHV', () => {
  it('belong to a machine and a run by their names', async () => {
    const { repository } = await treeOf({
      [`ahv/web-01-${A}-20261124`]: 1_024,
      [`ahv/web-01-${B}-20261124`]: 512,
      [`ahv/web-01-${A}-20261125-013000`]: 1_024,
      [`ahv/db01-${B}-2026-11-24.raw`]: 512,
      [`ahv/web-01-${A}`]: 512,
      [`ahv/web-01-${A}-latest`]: 512,
    });
    expect(shown(await scanWith(nutanixLayout, repository))).toEqual([
      {
        ...{ id: 'nutanix-ahv:db01', name: 'db01', type: 'nutanix-ahv' },
        points: [
          [
            ...['2026-11-24', '2026-11-24T00:00:00.000Z', 'complete'],
            `${B} raw ahv/db01-${B}-2026-11-24.raw`,
          ],
        ],
      },
      {
        ...{ id: 'nutanix-ahv:web-01', name: 'web-01', type: 'nutanix-ahv' },
        points: [
          [
            ...['20261124', '2026-11-24T00:00:00.000Z', 'complete'],
            `${A} raw ahv/web-01-${A}-20261124`,
            `${B} raw ahv/web-01-${B}-20261124`,
          ],
          [
            ...['20261125-013000', '2026-11-25T01:30:00.000Z', 'complete'],
            `${A} raw ahv/web-01-${A}-20261125-013000`,
          ],
        ],
      },
    ]);
  });

  it('are of one machine however their names are written', async () => {
    const { repository } = await treeOf({
      'ahv/web01-scsi.0.raw': 512,
      'ahv/web01-SCSI.1.RAW': 512,
      [`ahv/db01-${A}-20261124.raw`]: 512,
      [`ahv/db01-${B.toUpperCase()}-20261124.RAW`]: 512,
    });
    const found = await scanRepository(repository);
    expect(found.map(({ id }) => id)).toEqual(['nutanix-ahv:db01', 'nutanix-ahv:web01']);
    const disks = found.map(({ restorePoints }) => restorePoints[0]!.disks.map(({ disk }) => disk));
    expect(disks).toEqual([
      [A, B],
      ['scsi.0', 'scsi.1'],
    ]);
    // As the raw image that it was when such names were not known.
    expect(found[0]!.otherIds).toEqual([`raw-ahv:db01-${B.toUpperCase()}.raw`]);
  });

  it('are dated by a folder for each day, with or without a date of their own', async () => {
    const { repository } = await treeOf({
      [`ahv/2026-11-24/web-${A}`]: 512,
      [`ahv/2026-11-24/web-${B}`]: 512,
      [`ahv/2026-11-24/web-${A}.raw`]: 512,
      [`ahv/2026-11-24/volume-${A}.qcow2`]: 512,
      [`ahv/2026-11-24/volume-${A}`]: 512,
      [`ahv/2026-11-24/VOLUME-${B.toUpperCase()}`]: 512,
      [`ahv/2026-11-24/volume-${A}.snapshot-${B}`]: 512,
      [`ahv/2026-11-24/Backup-${A}`]: 512,
      [`ahv/2026-11-24/fs01.Backup-${A}`]: 512,
      [`ahv/20261125/web-${A}-20261125`]: 512,
    });
    const found = await scanWith(nutanixLayout, repository);
    expect(
      found.map(({ id, restorePoints }) => [
        id,
        ...restorePoints.map((point) => [point.id, point.disks.map(({ disk }) => disk)]),
      ]),
    ).toEqual([
      ['nutanix-ahv:Backup', ['2026-11-24', [A]]],
      ['nutanix-ahv:fs01.Backup', ['2026-11-24', [A]]],
      ['nutanix-ahv:web', ['2026-11-24', [A, B]]],
      ['nutanix-ahv:web', ['20261125', [A]]],
    ]);
  });

  it('belong to a machine by the place that AHV gives each, with a date or without one', async () => {
    const { repository } = await treeOf({
      ...{ 'a/web01-scsi.0.raw': 1_024, 'a/web01-scsi.1.raw': 512, 'a/db-sata.0.raw': 512 },
      ...{ 'b/web01-20261124-scsi.0.raw': 512, 'b/web01-20261124-pci.1.raw': 512 },
      ...{ 'b/web01-scsi.0-20261125.raw': 512, 'b/20261125-scsi.0.raw': 512 },
      ...{ 'b/web01-scsi0.raw': 512, 'b/web01-scsi.0-old.raw': 512, 'b/scsi.0.raw': 512 },
      ...{ '2026-11-24/web02-scsi.0.raw': 512, '2026-11-24/web02-scsi.1.raw': 512 },
    });
    const found = await scanWith(nutanixLayout, repository);
    expect(
      found.map(({ id, otherIds, restorePoints }) => [
        ...[id, otherIds],
        ...restorePoints.map((point) => [point.id, ...point.disks.map(({ disk }) => disk)]),
      ]),
    ).toEqual([
      [
        'nutanix-.:web02',
        [
          ...['raw-.:web02-scsi.0.raw', 'raw-2026-11-24:web02-scsi.0.raw'],
          ...['raw-.:web02-scsi.1.raw', 'raw-2026-11-24:web02-scsi.1.raw'],
        ],
        ['2026-11-24', 'scsi.0', 'scsi.1'],
      ],
      ['nutanix-a:db', ['raw-a:db-sata.0.raw'], ['undated', 'sata.0']],
      [
        ...['nutanix-a:web01', ['raw-a:web01-scsi.0.raw', 'raw-a:web01-scsi.1.raw']],
        ['undated', 'scsi.0', 'scsi.1'],
      ],
      [
        ...['nutanix-b:web01', ['raw-b:web01-pci.1.raw', 'raw-b:web01-scsi.0.raw']],
        ...[
          ['20261124', 'pci.1', 'scsi.0'],
          ['20261125', 'scsi.0'],
        ],
      ],
    ]);
  });

  it('are one point of now in a folder of a day that is written to long after it, unless it is one of a run', async () => {
    const { repository } = await treeOf({
      ...{ 'a/web_20240115/web-scsi.0.raw': 512, 'a/web_20240115/web-scsi.1.raw': 512 },
      ...{ 'a/web_20240115/web-20240116-scsi.0.raw': 512 },
      ...{ 'b/20240115/web-scsi.0.raw': 512, 'b/20240116/web-scsi.0.raw': 512 },
    });
    const found = await scanRepository(repository);
    expect(
      found.map(({ id, restorePoints }) => [
        id,
        ...restorePoints.map((point) => [point.id, ...point.disks.map(({ disk }) => disk)]),
      ]),
    ).toEqual([
      ['nutanix-a:web:web', ['20240116', 'scsi.0']],
      ['nutanix-a:web_20240115:web', ['undated', 'scsi.0', 'scsi.1']],
      ['nutanix-b:web', ['20240115', 'scsi.0'], ['20240116', 'scsi.0']],
    ]);
    // Another has that id now, and a job that names it means that one.
    expect(found[1]!.otherIds).not.toContain('nutanix-a:web:web');
  });

  it('are incomplete when one was cut off within a sector or is empty', async () => {
    const { repository } = await treeOf({
      [`web-${A}-20261124`]: 700,
      [`web-${B}-20261124`]: 0,
    });
    const [web] = await scanWith(nutanixLayout, repository);
    expect(web!.restorePoints.map(({ state, reason }) => [state, reason])).toEqual([
      ['incomplete', `web-${A}-20261124 has 700 bytes, which is no whole number of sectors`],
    ]);
  });

  it('are of one machine that is copied with its whole repository', () => {
    expect(nutanixLayout.type.rules).toMatchObject({ wholeSourceOnly: true, allowsGfs: true });
  });

  it.skipIf(!requireTool('qemu-img'))(
    'are read as qcow2 by their ending, and refused when they build on another file',
    async () => {
      const copy = await treeOf({});
      await makeDisk(copy, `web-${A}-20261124.qcow2`);
      const base = copy.at(`web-${A}-20261124.qcow2`);
      await makeDisk(copy, `web-${A}-20261125.qcow2`, '-b', base, '-F', 'qcow2');
      const [web] = await scanWith(nutanixLayout, copy.repository);
      expect(web!.restorePoints.map(({ state, reason }) => [state, reason])).toEqual([
        ['complete', null],
        [
          'broken',
          `web-${A}-20261125.qcow2 builds on ${JSON.stringify(base)}, and disks like this one are copied only when they stand for themselves; make one of both (qemu-img convert, Convert-VHD)`,
        ],
      ]);
    },
  );
});
