import type { LayoutEvidence } from './layout-evidence.js';

const EVERY_FILE = 'SHA-256 of each file';

/** Of databases, by name of the layout. */
export const DATABASE_EVIDENCE: Readonly<Record<string, LayoutEvidence>> = {
  pbm: {
    writtenBy: 'Percona Backup for MongoDB: logical, physical, incremental, PITR chunks',
    data: 'real',
    judge: `two real stores (logical, PITR); physical by PBM’s sources; ${EVERY_FILE}`,
    restoredBy: '`pbm restore`',
    tests: ['test/unit/layout/mongodb/pbm.test.ts'],
  },
  pgbackrest: {
    writtenBy: 'pgBackRest 2.45: full, differential, incremental, log',
    data: 'real',
    judge: `digest in \`backup.info\`; ${EVERY_FILE}`,
    restoredBy: '`pgbackrest restore`',
    tests: ['test/unit/layout/postgres/pgbackrest.test.ts'],
  },
  'postgres-wal': {
    writtenBy: 'PostgreSQL 15: `archive_command`, `pg_receivewal`',
    data: 'real',
    judge: EVERY_FILE,
    restoredBy: '`restore_command`',
    tests: ['test/unit/layout/postgres/wal-folder.test.ts'],
  },
  mssql: {
    writtenBy: 'SQL Server `BACKUP`: maintenance plans, Ola Hallengren, names of one’s own',
    data: 'real',
    judge: `log sequence numbers of eight real files (2008 R2) join; ${EVERY_FILE}`,
    restoredBy: '`RESTORE`',
    tests: ['test/unit/layout/mssql/mssql.test.ts'],
  },
};
