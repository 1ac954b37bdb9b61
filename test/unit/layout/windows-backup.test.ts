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

/** As Windows Server Backup writes it. */
const specsOf = (...volumes: string[]): string =>
  `<?xml version="1.0"?>\r\n<BackupSpecs><FileSpecs>${volumes
    .map(
      (id) =>
        String.raw`<Volume Name="\\?\Volume{${id}}\" AccessPath="C:" OriginalAccessPath="C:" Label="" OriginalLabel=""><FileSpec FilePath="\\?\Volume{${id}}\" FileName="*" IsRecursive="true" IsInclude="true"/></Volume>`,
    )
    .join('')}</FileSpecs><SystemState IsPresent="false"/></BackupSpecs>`;
const EFI = '0d7b2f4a-369e-11e9-a17c-806e6f6e6963';
const DATA = '5c1e8a90-369e-11e9-a17c-806e6f6e6963';

/** As two listings of real ones show it. */
function backedUp(root: string): Record<string, string | Uint8Array> {
  const folder = `${root}/L4MPJE-PC`;
  return {
    [`${folder}/MediaId`]: '0123456789abcdef',
    [`${folder}/Catalog/GlobalCatalog`]: 'catalog',
    [`${folder}/Catalog/BackupGlobalCatalog`]: 'catalog',
    [`${folder}/SPPMetadataCache/{${SET}}`]: 'one',
    [`${folder}/${BACKUP}/${VOLUME}.vhd`]: fixtureImage('hyperv/fat-parent.vhd.gz').bytes,
    [`${folder}/${BACKUP}/BackupSpecs.xml`]: specsOf(VOLUME),
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

  it.each(['WindowsImageBackupJan', 'WindowsImageBackup-2026-11-24', 'old/2026-11-24'])(
    'are restored where alone Windows looks for them, whatever their folder is called (%s)',
    async (root) => {
      const { repository } = await treeOf(backedUp(root));
      const [workload] = await scanWith(windowsBackupLayout, repository);
      const names = workload!.restorePoints[0]!;
      expect(names.disks[0]?.as).toBe(`WindowsImageBackup/L4MPJE-PC/${BACKUP}/${VOLUME}.vhd`);
      expect(names.companions.map(({ as }) => as)).toContain(
        'WindowsImageBackup/L4MPJE-PC/MediaId',
      );
    },
  );

  it('are restored without the date that an administrator has added to the name of the computer', async () => {
    const files = Object.entries(backedUp('WindowsImageBackup')).map(
      ([path, bytes]) => [path.replace('L4MPJE-PC', 'L4MPJE-PC_2026-11-24'), bytes] as const,
    );
    const { repository } = await treeOf(Object.fromEntries(files));
    const [workload] = await scanWith(windowsBackupLayout, repository);
    expect(workload!.restorePoints[0]!.disks[0]?.as).toBe(
      `WindowsImageBackup/L4MPJE-PC/${BACKUP}/${VOLUME}.vhd`,
    );
  });

  const withSpecs = async (specs: string, ...more: string[]) => {
    const folder = `WindowsImageBackup/L4MPJE-PC/${BACKUP}`;
    const disk = fixtureImage('hyperv/fat-parent.vhd.gz').bytes;
    const { repository, at } = await treeOf({
      ...backedUp('WindowsImageBackup'),
      [`${folder}/BackupSpecs.xml`]: specs,
      ...Object.fromEntries(more.map((name) => [`${folder}/${name}`, disk])),
    });
    await utimes(at(`${folder}/BackupSpecs.xml`), WRITTEN_AT, WRITTEN_AT);
    return (await scanWith(windowsBackupLayout, repository))[0]!.restorePoints[0]!;
  };

  it.each<[string, string[], string[], string | null]>([
    ['its only volume', [VOLUME], [], null],
    ['its volume in other letters', [VOLUME.toUpperCase()], [], null],
    ['a volume more than the list', [VOLUME], [`${DATA}.vhd`], null],
    ['the EFI system partition under its own name', [VOLUME, EFI], ['Esp.vhd'], null],
    [
      ...(['no disk of a volume', [VOLUME, DATA], []] as [string, string[], string[]]),
      `volume ${DATA} is not there, which ${BACKUP}/BackupSpecs.xml lists`,
    ],
    [
      ...(['one disk for two', [VOLUME, EFI, DATA], ['Esp.vhd']] as [string, string[], string[]]),
      `of the volumes ${EFI}, ${DATA} all but one are not there, which ${BACKUP}/BackupSpecs.xml lists`,
    ],
  ])('with %s are as whole as the list of volumes says', async (_, listed, more, reason) => {
    const point = await withSpecs(specsOf(...listed), ...more);
    expect([point.state, point.reason]).toEqual([
      reason === null ? 'complete' : 'incomplete',
      reason,
    ]);
    expect(point.evidence?.closing).toBe('closed');
  });

  it.each(['<x/>', '<BackupSpecs>', '<BackupSpecs><FileSpecs/></BackupSpecs>', '\0\0'])(
    'are awaited for longer where the list of volumes says nothing (%j)',
    async (specs) => {
      const { state, evidence } = await withSpecs(specs);
      expect([state, evidence?.closing]).toEqual(['complete', 'awaited']);
    },
  );

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
