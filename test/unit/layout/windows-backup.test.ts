import { utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { settlePoints } from '../../../src/domain/sources/settle.js';
import { windowsBackupLayout } from '../../../src/layout/windows-backup/windows-backup.js';
import { fixtureImage } from '../../support/image/real-images.js';
import { scanWith } from '../../support/layout/scan-with.js';
import { WRITTEN_AT, shown, treeOf } from '../../support/layout/tree.js';

const VOLUME = '9b9cfbc3-369e-11e9-a17c-806e6f6e6963';
const BACKUP = 'Backup 2026-11-23 124351';
const SET = 'b1b2b3b4-0000-4000-8000-00000000cafe';

/** As two listings of real ones show it; the content of the XML is not read. */
function backedUp(root: string): Record<string, string | Uint8Array> {
  const folder = `${root}/L4MPJE-PC`;
  return {
    [`${folder}/MediaId`]: '0123456789abcdef',
    [`${folder}/Catalog/GlobalCatalog`]: 'catalog',
    [`${folder}/Catalog/BackupGlobalCatalog`]: 'catalog',
    [`${folder}/SPPMetadataCache/{${SET}}`]: 'one',
    [`${folder}/${BACKUP}/${VOLUME}.vhd`]: fixtureImage('hyperv/fat-parent.vhd.gz').bytes,
    [`${folder}/${BACKUP}/BackupSpecs.xml`]: '<x/>',
    [`${folder}/${BACKUP}/${SET}_Components.xml`]: '<x/>',
  };
}

describe('backups of Windows', () => {
  it('are fulls, dated by their folder, that travel with all files beside them', async () => {
    const { repository } = await treeOf(backedUp('share/WindowsImageBackup'));
    const at = 'share/WindowsImageBackup/L4MPJE-PC';
    const as = 'WindowsImageBackup/L4MPJE-PC';
    const companion = (within: string): string => `${as}/${within} = ${at}/${within}`;
    const [workload] = shown(await scanWith(windowsBackupLayout, repository));
    expect(workload).toMatchObject({
      ...{
        id: 'windows-share:WindowsImageBackup:L4MPJE-PC',
        name: 'L4MPJE-PC',
        type: 'windows-agent',
      },
    });
    const [point = []] = workload?.points ?? [];
    expect(point.slice(0, 4)).toEqual([
      ...[BACKUP, '2026-11-23T12:43:51.000Z', 'complete'],
      `${VOLUME} vhd ${at}/${BACKUP}/${VOLUME}.vhd`,
    ]);
    expect(point.slice(4).sort()).toEqual(
      [
        companion(`${BACKUP}/BackupSpecs.xml`),
        companion(`${BACKUP}/${SET}_Components.xml`),
        companion('Catalog/BackupGlobalCatalog'),
        companion('Catalog/GlobalCatalog'),
        companion('MediaId'),
        companion(`SPPMetadataCache/{${SET}}`),
      ].sort(),
    );
  });

  it('of two computers of one name in two places are two workloads', async () => {
    const { repository } = await treeOf({
      ...backedUp('north/WindowsImageBackup'),
      ...backedUp('south/WindowsImageBackup'),
    });
    expect((await scanWith(windowsBackupLayout, repository)).map(({ id }) => id)).toEqual([
      'windows-north:WindowsImageBackup:L4MPJE-PC',
      'windows-south:WindowsImageBackup:L4MPJE-PC',
    ]);
  });

  it('keep the name that an administrator gave to their folder', async () => {
    const { repository } = await treeOf(backedUp('WindowsImageBackupJan'));
    const [workload] = await scanWith(windowsBackupLayout, repository);
    expect(workload?.restorePoints[0]?.disks[0]?.as).toBe(
      `WindowsImageBackupJan/L4MPJE-PC/${BACKUP}/${VOLUME}.vhd`,
    );
  });

  it('are incomplete until their last file is there, and awaited for longer when a volume is newer than it', async () => {
    const files = backedUp('WindowsImageBackup');
    const folder = `WindowsImageBackup/L4MPJE-PC/${BACKUP}`;
    const copy = await treeOf(files);
    const volume = copy.at(`${folder}/${VOLUME}.vhd`);
    await utimes(volume, WRITTEN_AT, new Date(WRITTEN_AT.getTime() + 1_000));
    const [later] = await scanWith(windowsBackupLayout, copy.repository);
    expect(later?.restorePoints[0]?.evidence?.closing).toBe('awaited');
    const changedAtMs = later!.restorePoints[0]!.evidence!.changedAtMs;
    const after = (seconds: number) =>
      settlePoints(later!.restorePoints, {
        ...{ nowMs: changedAtMs + seconds * 1_000, settleMs: 60_000 },
      })[0]!.state;
    expect([after(599), after(600)]).toEqual(['inProgress', 'complete']);
    const reasons = async (repository: typeof copy.repository) =>
      (await scanWith(windowsBackupLayout, repository))[0]?.restorePoints.map(
        ({ state, reason }) => [state, reason],
      );
    expect(await reasons(copy.repository)).toEqual([['complete', null]]);
    delete files[`${folder}/BackupSpecs.xml`];
    expect(await reasons((await treeOf(files)).repository)).toEqual([
      ['incomplete', `${BACKUP}/BackupSpecs.xml is not there yet`],
    ]);
  });
});
