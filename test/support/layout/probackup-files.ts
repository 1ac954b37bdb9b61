import { segmentName } from './cluster-files.js';

const MEBIBYTE = 1024 * 1024;

export const PROBACKUP_IDS = ['T9K1Z2', 'T9LQJ8', 'T9NKWE'] as const;

interface ControlOptions {
  readonly mode?: string;
  readonly status?: string;
  readonly parent?: string;
  /** First segment that it needs; the next is its last. */
  readonly segment?: number;
  readonly isStream?: boolean;
  readonly day?: number;
}

/** As pg_probackup 2.5 lays out what it says of a backup. Source: its src/catalog.c (pgBackupWriteControl). */
export function probackupControl({
  mode = 'FULL',
  status = 'OK',
  parent,
  segment = 9,
  isStream = false,
  day = 24,
}: ControlOptions = {}): string {
  const low = (offset: number): string => offset.toString(16).toUpperCase();
  return [
    ...['#Configuration', `backup-mode = ${mode}`, `stream = ${String(isStream)}`],
    ...['compress-alg = zlib', 'compress-level = 1', 'from-replica = false', ''],
    ...['#Compatibility', 'block-size = 8192', 'xlog-block-size = 8192', 'checksum-version = 1'],
    ...['program-version = 2.5.12', 'server-version = 15', ''],
    ...['#Result backup info', 'timelineid = 1', `start-lsn = 0/${low(segment * MEBIBYTE + 40)}`],
    ...[`stop-lsn = 0/${low((segment + 1) * MEBIBYTE + 256)}`],
    `start-time = '2026-11-${day} 21:00:00+00'`,
    `end-time = '2026-11-${day} 21:09:00+00'`,
    ...['recovery-xid = 743', `recovery-time = '2026-11-${day} 21:08:30+00'`],
    ...['data-bytes = 24000000', 'wal-bytes = 2097152', `status = ${status}`],
    ...(parent === undefined ? [] : [`parent-backup-id = '${parent}'`]),
    ...["primary_conninfo = 'user=backup host=db01'", 'content-crc = 802820606', ''],
  ].join('\n');
}

/** A backup in the catalogue `pb`, of the instance `node`. */
export function probackupBackup(
  id: string,
  options: ControlOptions = {},
): Record<string, string | Buffer> {
  const at = `pb/backups/node/${id}`;
  const { segment = 9, isStream = false } = options;
  const own = isStream ? [segment, segment + 1] : [];
  return {
    // Of a database whose files never lie as a server has them.
    [`${at}/database/PG_VERSION`]: '15\n',
    [`${at}/database/backup_label`]: 'START WAL LOCATION: 0/900028 (file x)\n',
    [`${at}/database/base/5/1259`]: Buffer.alloc(8200, 1),
    [`${at}/database/global/pg_control`]: Buffer.alloc(8192, 2),
    [`${at}/database/database_map`]: '{"dbOid":"5","datname":"shop"}\n',
    ...Object.fromEntries(
      own.map((one) => [`${at}/database/pg_wal/${segmentName(one)}`, Buffer.alloc(MEBIBYTE, 4)]),
    ),
    [`${at}/page_header_map`]: 'x',
    [`${at}/backup_content.control`]: '{"path":"base/5/1259", "size":"8200", "mode":"33152"}\n',
    [`${at}/backup.control`]: probackupControl(options),
  };
}

/** The configuration of the instance, and its log. */
export function probackupLog(...segments: number[]): Record<string, string | Buffer> {
  return {
    'pb/backups/node/pg_probackup.conf':
      '# Backup instance information\npgdata = /var/lib/pg\nsystem-identifier = 7\nxlog-seg-size = 1048576\n',
    ...Object.fromEntries(
      segments.map((one) => [`pb/wal/node/${segmentName(one)}`, Buffer.alloc(MEBIBYTE, 4)]),
    ),
  };
}

/** A full and a delta, each with its log in the archive. */
export function probackupFiles(): Record<string, string | Buffer> {
  const [full, delta] = PROBACKUP_IDS;
  return {
    ...probackupBackup(full, { day: 23 }),
    ...probackupBackup(delta, { mode: 'DELTA', parent: full, segment: 12 }),
    ...probackupLog(9, 10, 11, 12, 13, 14),
  };
}
