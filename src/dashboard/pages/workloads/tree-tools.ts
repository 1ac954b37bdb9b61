/** Lines that restore a copied tree without Longhaul: its own tool is pointed at the copy, which it does not change. */

import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { shellWord } from '../../show/format.js';

interface Place {
  /** The copied files, as a word of a shell. */
  readonly files: string;
  /** What the source calls the point, as one, too. */
  readonly id: string;
}

/** By the type of the workload. Source: the manuals of the tools. */
const LINES: Readonly<Record<string, (place: Place) => readonly string[]>> = {
  restic: ({ files, id }) => [
    `restic -r ${files} --no-lock check`,
    `restic -r ${files} --no-lock restore ${id} --target restored`,
  ],
  borg: ({ files }) => [
    `borg --bypass-lock list ${files}`,
    `borg --bypass-lock extract ${files}::ARCHIVE`,
  ],
  kopia: ({ files }) => [
    `kopia repository connect filesystem --path ${files} --readonly`,
    'kopia snapshot list --all',
    'kopia restore SNAPSHOT restored',
  ],
  'proxmox-backup-server': ({ files, id }) => [
    `proxmox-backup-manager datastore create restored ${files} --reuse-datastore true`,
    `proxmox-backup-client restore ${id} ARCHIVE TARGET --repository localhost:restored`,
  ],
  'dated-tree': ({ files, id }) => [`rsync -a ${files}/${id}/ restored/`],
  mongodb: ({ files, id }) => [
    `pbm config --set storage.type=filesystem --set storage.filesystem.path=${files}`,
    `pbm restore ${id}`,
    '# of mongodump:',
    `mongorestore --dir ${files}`,
  ],
  'sql-server': ({ files }) => [
    `ls ${files}`,
    `sqlcmd -Q "RESTORE DATABASE [name] FROM DISK = N'FILE' WITH NORECOVERY"`,
  ],
  'oracle-rman': ({ files }) => [
    `echo "CATALOG START WITH '"${files}"/' NOPROMPT;" | rman target /`,
    'echo "RESTORE DATABASE; RECOVER DATABASE;" | rman target /',
  ],
  'oracle-logs': ({ files }) => [
    `echo "CATALOG START WITH '"${files}"/' NOPROMPT;" | rman target /`,
    'echo "RECOVER DATABASE;" | rman target /',
  ],
  'sap-hana': ({ files }) => [`hdbbackupdiag --check -d ${files}`],
  pgbackrest: ({ files }) => [
    `pgbackrest --repo1-path=${files} info`,
    `pgbackrest --repo1-path=${files} --stanza=STANZA restore`,
  ],
  barman: ({ files, id }) => [
    `# barman.conf, of the server: backup_directory = ${files}`,
    `barman recover SERVER ${id} PGDATA`,
  ],
  'postgresql-base': ({ files, id }) => [
    `cp -a ${files}/${id}/. PGDATA`,
    'chmod 700 PGDATA; pg_verifybackup PGDATA',
  ],
  'mysql-xtrabackup': ({ files }) => [
    `cp -a ${files}/. restored/`,
    'mariadb-backup --prepare --target-dir=restored/FULL --incremental-dir=restored/INCREMENTAL',
  ],
  'pg-probackup': ({ files, id }) => [
    `pg_probackup restore -B ${files} --instance INSTANCE -D PGDATA -i ${id}`,
  ],
  'wal-g': ({ files, id }) => [`WALG_FILE_PREFIX=${files} wal-g backup-fetch PGDATA ${id}`],
  'postgresql-wal': ({ files }) => [`# restore_command = 'cp ${files}/%f "%p"'`],
};

/** What has no tool of its own is copied back as it is. */
const AS_IT_IS = ({ files }: Place): readonly string[] => [`cp -a ${files}/. restored/`];

/** @param repositoryPath folder of the repository on the machine of its worker */
export function treeToolLines(
  repositoryPath: string,
  { workloadType, source, files }: Pick<RestorePointView, 'workloadType' | 'source' | 'files'>,
): string[] {
  const folder = `${repositoryPath.replace(/\/$/, '')}/${files[0]?.path ?? ''}`;
  const place = { files: shellWord(folder), id: shellWord(source?.restorePointId ?? 'POINT') };
  return [...(LINES[workloadType] ?? AS_IT_IS)(place)];
}

/** A copied tree has one entry, which is no disk. */
export function isTree({ files }: Pick<RestorePointView, 'files'>): boolean {
  return files.some(({ format }) => format === 'tree');
}
