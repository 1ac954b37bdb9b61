/** What storage, file systems and desktops leave among backups. None of it is a backup: a machine that was deleted into a recycle bin, or
 *  shows again in a snapshot of the storage, is not a second machine. Names are compared without regard to case, as a NAS does. */

/** Folders that hold no source, with everything in them. */
export const FOLDERS_PASSED_OVER: readonly { readonly name: string; readonly leftBy: string }[] = [
  { name: '.snapshot*', leftBy: 'NetApp, Isilon, snapper: snapshots' },
  { name: '.zfs', leftBy: 'ZFS: snapshots' },
  { name: '.Trash*', leftBy: 'desktops: recycle bin' },
  { name: '.recycle', leftBy: 'Samba: recycle bin' },
  { name: '.stversions', leftBy: 'Syncthing: the versions before' },
  { name: '.~tmp~', leftBy: 'rsync: on its way' },
  { name: '.rsync-*', leftBy: 'rsync: on its way' },
  { name: '.longhaul', leftBy: 'Longhaul, in a target' },
  { name: '.*', leftBy: 'hidden: not looked into, and named when files lie in it' },
  { name: '#recycle', leftBy: 'Synology: recycle bin' },
  { name: '#snapshot', leftBy: 'Synology: snapshots' },
  { name: '@eaDir', leftBy: 'Synology: extended attributes and thumbnails' },
  { name: '@tmp', leftBy: 'Synology: temporary files' },
  { name: '@Recycle', leftBy: 'QNAP: recycle bin' },
  { name: '@Recently-Snapshot', leftBy: 'QNAP: snapshots' },
  { name: '~snapshot', leftBy: 'NetApp over SMB: snapshots' },
  { name: '$RECYCLE.BIN', leftBy: 'Windows: recycle bin' },
  { name: 'RECYCLER', leftBy: 'Windows before Vista: recycle bin' },
  { name: 'System Volume Information', leftBy: 'Windows: shadow copies' },
  { name: 'found.0*', leftBy: 'Windows: what a check found' },
  { name: 'vzdump-*.tmp', leftBy: 'Proxmox VE: files of a container on their way into a backup' },
  { name: 'vzdumptmp*', leftBy: 'Proxmox VE: the same, in a folder of its own' },
  { name: 'lost+found', leftBy: 'ext file systems: what a check found' },
  { name: 'Network Trash Folder', leftBy: 'macOS over AFP: recycle bin' },
  { name: 'Temporary Items', leftBy: 'macOS: temporary files' },
];

/** Files that are no part of a backup, whatever else their names say. `*` stands for anything. */
export const FILES_PASSED_OVER: readonly { readonly name: string; readonly leftBy: string }[] = [
  {
    name: '.*',
    leftBy: 'hidden: AppleDouble `._x`, `.DS_Store`, `.nfsXXXX`, rsync on its way `.x.XXXXXX`',
  },
  { name: '*~', leftBy: 'editors: the version before' },
  { name: '*.partial', leftBy: 'rclone, browsers: on its way' },
  { name: '*.part', leftBy: 'curl, browsers: on its way' },
  { name: '*.filepart', leftBy: 'WinSCP: on its way' },
  { name: '*.tmp', leftBy: 'many tools: on its way' },
  { name: 'Thumbs.db', leftBy: 'Windows: thumbnails' },
  { name: 'desktop.ini', leftBy: 'Windows: view of a folder' },
];

export function isFolderPassedOver(name: string): boolean {
  return FOLDERS.test(name);
}

/** Whether a folder that is passed over is hidden, and none of those of which it is known what they are: it may be somebody's machine all the same. */
export function isHiddenFolder(name: string): boolean {
  return name.startsWith('.') && !KNOWN_FOLDERS.test(name);
}

export function isFilePassedOver(name: string): boolean {
  return FILES.test(name);
}

/** What a file will be called that is on its way under a name that is passed over; null: it is none. Sources: rsync(1) (`.NAME.XXXXXX`), and the table. */
export function nameAfterTransfer(name: string): string | null {
  const { hidden, plain } = ON_ITS_WAY.exec(name)?.groups ?? {};
  return hidden ?? plain ?? null;
}

/** rclone puts eight digits before its ending. */
const ON_ITS_WAY =
  /^(?:\.(?<hidden>[^_].*)\.[a-z0-9]{6}|(?<plain>.+?)(?:\.[0-9a-f]{8})?\.(?:partial|part|filepart|tmp))$/i;

/** The tables of docs/OPERATIONS.md, as Markdown. */
export function renderPassedOverTable(): string {
  const row =
    (kind: string) =>
    ({ name, leftBy }: { readonly name: string; readonly leftBy: string }): string =>
      `| ${kind} | \`${name}\` | ${leftBy} |`;
  return [
    '| Kind | Name | Left by |',
    '| --- | --- | --- |',
    ...FOLDERS_PASSED_OVER.map(row('folder')),
    ...FILES_PASSED_OVER.map(row('file')),
  ].join('\n');
}

function anyOf(table: readonly { readonly name: string }[]): RegExp {
  const patterns = table.map(({ name }) =>
    name.replaceAll(/[.+$^()[\]{}|\\]/g, String.raw`\$&`).replaceAll('*', '.*'),
  );
  return new RegExp(`^(?:${patterns.join('|')})$`, 'is');
}

const FOLDERS = anyOf(FOLDERS_PASSED_OVER);
const KNOWN_FOLDERS = anyOf(FOLDERS_PASSED_OVER.filter(({ name }) => name !== '.*'));
const FILES = anyOf(FILES_PASSED_OVER);
