/** Folders of a cluster in which nothing may lie, and without which PostgreSQL does not start: `pg_basebackup` leaves them empty, for what is in them is of the server that runs.
 *  Source: PostgreSQL src/bin/initdb/initdb.c (subdirs), src/backend/backup/basebackup.c (excludeDirContents). */
const FOLDERS: readonly string[] = [
  ...['pg_commit_ts', 'pg_dynshmem', 'pg_logical/mappings', 'pg_logical/snapshots', 'pg_notify'],
  ...['pg_replslot', 'pg_serial', 'pg_snapshots', 'pg_stat', 'pg_stat_tmp', 'pg_subtrans'],
  ...['pg_tblspc', 'pg_twophase', 'pg_wal/archive_status'],
];

const CONTROL = /^(?<cluster>(?:.+\/)?)global\/pg_control$/;

/** Those of the cluster whose control file has this path (`TreeRules.foldersWith`). */
export function clusterFolders(path: string): readonly string[] {
  const cluster = CONTROL.exec(path)?.groups?.cluster;
  return cluster === undefined ? [] : FOLDERS.map((folder) => `${cluster}${folder}`);
}
