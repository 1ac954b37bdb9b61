import type { LayoutEvidence } from './layout-evidence.js';

const EVERY_FILE = 'SHA-256 of each file';
const SESSION = 'test/integration/session/every-database.test.ts';

/** Of databases, by name of the layout. */
export const DATABASE_EVIDENCE: Readonly<Record<string, LayoutEvidence>> = {
  pbm: {
    writtenBy: 'Percona Backup for MongoDB: logical, physical, incremental, PITR chunks',
    data: 'real',
    judge: `two real stores (logical, PITR); physical by PBM’s sources; ${EVERY_FILE}`,
    tests: ['test/unit/layout/mongodb/pbm.test.ts', SESSION],
  },
  pgbackrest: {
    writtenBy: 'pgBackRest 2.45: full, differential, incremental, log',
    data: 'real',
    judge: `\`pgbackrest restore\` from the copy, taken while it was written to: two repositories, one in bundles (\`npm run test:databases\`), and one in each build; ${EVERY_FILE}`,
    tests: [
      'test/unit/layout/postgres/pgbackrest.test.ts',
      'test/integration/mover/live-pgbackrest.test.ts',
      SESSION,
    ],
  },
  barman: {
    writtenBy:
      'Barman 3.4: `backup_method` postgres (and rsync, packed or block by block as its sources say), with its log',
    data: 'real',
    judge: `\`barman check-backup\` and \`barman recover\` from the copy, taken while a backup ran: PostgreSQL gives every row (\`npm run test:base-backups\`); ${EVERY_FILE}`,
    tests: ['test/unit/layout/postgres/barman.test.ts'],
  },
  'pg-base-folder': {
    writtenBy: '`pg_basebackup` 15, plain format, in folders with or without dates',
    data: 'real',
    judge: `\`pg_verifybackup\` of a restored copy, from which PostgreSQL starts (\`npm run test:base-backups\`); incremental ones that \`pg_basebackup\` 17 wrote were found, joined and copied (by hand); ${EVERY_FILE}`,
    tests: ['test/unit/layout/postgres/base-folder.test.ts'],
  },
  'pg-probackup': {
    writtenBy:
      'pg_probackup 2: full, `PAGE`, `DELTA` and `PTRACK` backups of each instance, with their log or with the archive',
    data: 'synthetic',
    judge: `layout after pg_probackup’s sources; ${EVERY_FILE}`,
    tests: ['test/unit/layout/postgres/probackup.test.ts'],
  },
  'wal-g': {
    writtenBy: 'WAL-G for PostgreSQL: full and delta backups, log',
    data: 'synthetic',
    judge: `layout after WAL-G’s sources; ${EVERY_FILE}`,
    tests: ['test/unit/layout/postgres/walg.test.ts'],
  },
  xtrabackup: {
    writtenBy:
      'mariadb-backup 10.11, Percona XtraBackup (its folders and streams are laid out alike): fulls and incrementals in folders, `.xbstream`, `.xb`',
    data: 'real',
    judge: `\`mariadb-backup --prepare\` of a restored full with two incrementals, and of a stream, from which MariaDB starts with every row (\`npm run test:xtrabackup\`); ${EVERY_FILE}`,
    tests: ['test/unit/layout/mysql/xtrabackup.test.ts'],
  },
  'postgres-wal': {
    writtenBy: 'PostgreSQL 15: `archive_command`, `pg_receivewal`',
    data: 'real',
    judge: `recovery of PostgreSQL from the copied folder (\`npm run test:databases\`); ${EVERY_FILE}`,
    tests: ['test/unit/layout/postgres/wal-folder.test.ts', SESSION],
  },
  mssql: {
    writtenBy: 'SQL Server `BACKUP`: maintenance plans, Ola Hallengren, names of one’s own',
    data: 'real',
    judge: `log sequence numbers of eight real files (2008 R2) join; ${EVERY_FILE}`,
    tests: ['test/unit/layout/mssql/mssql.test.ts', SESSION],
  },
  rman: {
    writtenBy: 'Oracle RMAN: fast recovery area',
    data: 'synthetic',
    judge: EVERY_FILE,
    tests: [
      'test/unit/layout/rman/rman.test.ts',
      'test/unit/layout/rman/rman-runs.test.ts',
      SESSION,
    ],
  },
  'rman-free': {
    writtenBy:
      'Oracle RMAN: free formats (`%U` and others) with autobackups of the control file (`%F`), in one folder or in folders beside each other',
    data: 'synthetic',
    judge: EVERY_FILE,
    tests: ['test/unit/layout/rman/rman.test.ts', 'test/unit/layout/rman/rman-free.test.ts'],
  },
  'oracle-logs': {
    writtenBy:
      'Oracle: archived redo logs under names of `LOG_ARCHIVE_FORMAT` (`%t_%s_%r.dbf`, `ARC%S_%R.%T`)',
    data: 'synthetic',
    judge: `heads after OpenLogReplicator’s reader; ${EVERY_FILE}`,
    tests: ['test/unit/layout/rman/redo-folder.test.ts'],
  },
  hana: {
    writtenBy: 'SAP HANA: data, delta and log backups to files, backup catalogue',
    data: 'synthetic',
    judge: EVERY_FILE,
    tests: ['test/unit/layout/hana/hana.test.ts', SESSION],
  },
  mongodump: {
    writtenBy: '`mongodump --archive`, `mongodump --out`, compressed or not',
    data: 'parts',
    judge: `four real archives; ${EVERY_FILE}`,
    tests: ['test/unit/layout/mongodb/mongodump.test.ts', SESSION],
  },
};
