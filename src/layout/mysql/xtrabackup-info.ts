/** `xtrabackup_checkpoints` and `xtrabackup_info` of Percona XtraBackup and mariadb-backup (`mariadb_backup_…` since MariaDB 11.1): `key = value`, a line each.
 *  Sources: percona-xtrabackup storage/innobase/xtrabackup/src/xtrabackup.cc (xtrabackup_read_metadata, xtrabackup_print_metadata), MariaDB
 *  extra/mariabackup/xtrabackup.cc; files that mariadb-backup 10.11 wrote. */

export interface LogPositions {
  /** `full-backuped`, `full-prepared`, `log-applied`, `incremental`. */
  readonly type: string;
  readonly from: number;
  readonly to: number;
}

/** null: it is none, or cut off. */
export function parseCheckpoints(text: string): LogPositions | null {
  const type = /^backup_type = (?<value>[a-z-]+)$/m.exec(text)?.groups?.value;
  const from = numberOf(text, 'from_lsn');
  const to = numberOf(text, 'to_lsn');
  return type === undefined || from === null || to === null ? null : { type, from, to };
}

/** The same where they lie in a stream, behind the head of their chunk. null: they do not. */
export function checkpointsWithin(text: string): LogPositions | null {
  const at = text.lastIndexOf('backup_type = ');
  return at < 0 ? null : parseCheckpoints(text.slice(at));
}

/** The same as the information tells it, for one that was written to a stream. null: it does not. */
export function positionsInInfo(text: string): LogPositions | null {
  const from = numberOf(text, 'innodb_from_lsn');
  const to = numberOf(text, 'innodb_to_lsn');
  if (from === null || to === null) return null;
  const isIncremental = /^incremental = Y$/m.test(text);
  return { type: isIncremental ? 'incremental' : 'full-backuped', from, to };
}

function numberOf(text: string, key: string): number | null {
  const digits = new RegExp(`^${key} = (?<value>\\d{1,20})$`, 'm').exec(text)?.groups?.value;
  return digits === undefined ? null : Number(digits);
}

/** The last chunk of a stream closes a file.
 *  Source: percona-xtrabackup storage/innobase/xtrabackup/src/xbstream_write.cc, xbstream.h: `XBSTCK01`, flags, `P` or `E`, length and name of the file.
 *  @param tail the last bytes of the file */
export function endsAsStream(tail: Uint8Array): boolean {
  const text = Buffer.from(tail).toString('latin1');
  const at = text.lastIndexOf(MAGIC);
  if (at < 0 || text[at + MAGIC.length + 1] !== 'E') return false;
  const head = at + MAGIC.length + 2;
  if (head + 4 > tail.length) return false;
  return head + 4 + Buffer.from(tail).readUInt32LE(head) === tail.length;
}

const MAGIC = 'XBSTCK01';
