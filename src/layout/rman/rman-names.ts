import { namedDateMs } from '../names/named-date.js';

/** Names that Oracle gives in a fast recovery area, and that RMAN gives by `%U` and `%F`.
 *  Sources: Oracle note 566680.1 (format of backup pieces managed in the recovery area), RMAN reference (formatSpec). */

/** `full`: all blocks, level 0 or none. `level1`: what changed. `log`: archived logs. `control`: the control file, with the parameter file or without. `parameters`: the parameter file alone. */
export type PieceKind = 'full' | 'level0' | 'level1' | 'log' | 'control' | 'parameters';

export interface OmfPiece {
  readonly kind: PieceKind;
  /** Without one nothing knows of the other pieces: a parameter file says nothing of them. */
  readonly hasControlFile: boolean;
  readonly tag: string;
  /** Of a tag that RMAN made: when the run began, local time taken for UTC. */
  readonly tagAtMs: number | null;
  /** Eight characters that no other file of the area has. */
  readonly unique: string;
}

/** Five letters tell archived logs (a), control file (c), parameter file (s), data files (d), and level or full (f). */
const PIECE =
  /^o1_mf_(?<logs>[an])(?<control>[cn])(?<spfile>[sn])(?<data>[dn])(?<level>[f01n])_(?<tag>.+)_(?<unique>[0-9a-z]{8})_\.bkp$/i;
const TAG =
  /^TAG(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)T(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)$/i;
const AUTOBACKUP = /^o1_mf_[sn]_(?<stamp>\d{1,12})_[0-9a-z]{8}_\.bkp$/i;
const ARCHIVED = /^o1_mf_(?<thread>\d{1,4})_(?<sequence>\d{1,10})_[0-9a-z]{8}_\.arc$/i;
/** Behind any name (`controlfile.ctl%F`), where the number is as long as those of databases are. */
const FREE_AUTOBACKUP =
  /^(?:(?:.+[_-])?c-(?<dbid>\d{1,12})|.+c-(?<longId>\d{8,10}))-(?<day>\d{8})-(?<number>[0-9a-f]{2})(?:\.[a-z]{1,5})?$/i;
/** Beside autobackups of the control file whatever is none of these is taken for a piece: formats are anybody’s (`%U`, `%d_%t_s%s_p%p`), and a point
 *  that lacks a piece is worth nothing. */
const NO_PIECE =
  /^\.|^(?:readme|md5sums?|sha\d*sums?|checksums?|orapw[^.]*)(?:\.[^.]*)?$|\.(?:txt|(?:k|c)?sh|pl|py|sql|rcv|rman|cmd|bat|ps1|ora|ini|conf|cfg|xml|json|ya?ml|md5|sha\d*|html?|csv|lock|pid|ok|done|ready|flag|tmp|part|dmp|vmdk|qcow2|vhdx?|ova|ovf|iso|dmg|zfs|vma(?:\.(?:gz|zst|lzo))?)$/i;
/** What programs say, also as their rotation names and packs it. */
const TOLD = /\.(?:log|out|err|lst|trc|trm)(?:[.-]\d+|\.old)?(?:\.(?:gz|bz2|xz|zst|zip|z))?$/i;
/** What other tools write under names of anybody: images and streams, also packed, and backups of SQL Server. In a folder of autobackups pieces may be called so, too. */
const OF_OTHERS =
  /\.(?:img|raw|vma|vdi|dmg|zfs|zsend|mksysb|(?:ufs)?dump|tar|tgz|archive|wim|v[bir]b|vbk|tib|bak|diff?|trn|tlog)(?:\.(?:gz|bz2|xz|zst|lz4|lzo|zip|z))?$/i;
const ENDING = /\.[a-z][0-9a-z_-]{0,9}$/i;
/** `%U`, and the endings that people give to pieces. */
const PIECE_LIKE =
  /(?:^|[_.-])[0-9a-z]{8}_\d{1,6}_\d{1,4}(?:_\d{1,4})*(?:[_.-]|$)|\.(?:bkp|bck|bkup|bks|bp)$/i;
/** Control files that a command of its own has backed up (`ctl_%d_%T`). */
const CONTROL_LIKE = /(?:^|[_.-])(?:ctl|ctrl|cntrl|cf|control_?files?)(?:[_.-]|$)/i;
const LEVEL_0 =
  /(?:^|[_.-])(?:l|lv|lvl|level_?|inc|incr)_?0(?:[_.-]|$)|(?:^|[_.-])full(?:[_.-]|$)/i;
const LEVEL_1 =
  /(?:^|[_.-])(?:l|lv|lvl|level_?|inc|incr)_?1(?:[_.-]|$)|(?:^|[_.-])(?:incr?|incremental|cum|cumulative|diff|differential)(?:[_.-]|$)/i;

/** null: no backup piece of a recovery area. */
export function parseOmfPiece(name: string): OmfPiece | null {
  const parts = PIECE.exec(name)?.groups;
  if (parts === undefined) return null;
  const { logs = '', control = '', data = '', level = '', tag = '', unique = '' } = parts;
  const hasControlFile = control.toLowerCase() === 'c';
  const stamp = TAG.exec(tag)?.groups;
  const kind: PieceKind =
    data.toLowerCase() === 'd'
      ? level === '1'
        ? 'level1'
        : level === '0'
          ? 'level0'
          : 'full'
      : logs.toLowerCase() === 'a'
        ? 'log'
        : hasControlFile
          ? 'control'
          : 'parameters';
  const tagAtMs = stamp === undefined ? null : namedDateMs(stamp);
  return { kind, hasControlFile, tag: tag.toUpperCase(), tagAtMs, unique: unique.toLowerCase() };
}

/** When an autobackup of control file and parameter file was made; null: it is none. Its number counts seconds since 1988 in months of 31 days. */
export function autobackupAtMs(name: string): number | null {
  const stamp = AUTOBACKUP.exec(name)?.groups?.stamp;
  if (stamp === undefined) return null;
  const seconds = Number(stamp);
  const days = Math.floor(seconds / 86_400);
  const months = Math.floor(days / 31);
  return (
    Date.UTC(1988 + Math.floor(months / 12), months % 12, (days % 31) + 1) +
    (seconds % 86_400) * 1000
  );
}

/** null: no archived log of a recovery area. */
export function parseArchivedLog(
  name: string,
): { readonly thread: number; readonly sequence: number } | null {
  const parts = ARCHIVED.exec(name)?.groups;
  return parts === undefined
    ? null
    : { thread: Number(parts.thread), sequence: Number(parts.sequence) };
}

/** `c-<database id>-<day>-<number>`, the day as `YYYYMMDD`; null: it is none. */
export function freeAutobackup(
  name: string,
): { readonly databaseId: string; readonly day: string } | null {
  const parts = FREE_AUTOBACKUP.exec(name)?.groups;
  if (parts === undefined) return null;
  return { databaseId: parts.dbid ?? parts.longId ?? '', day: parts.day ?? '' };
}

export function isFreePiece(name: string): boolean {
  return !NO_PIECE.test(name) && !TOLD.test(name);
}

/** Whether its name alone shows a piece, wherever it lies. */
export function isPieceLike(name: string): boolean {
  return isFreePiece(name) && PIECE_LIKE.test(name) && freeAutobackup(name) === null;
}

/** A control file that is no autobackup, as far as its name tells. */
export function isControlLike(name: string): boolean {
  // A tag is anybody’s word (`o1_mf_nnsnf_BEFORE_CF_…`).
  if (parseOmfPiece(name)?.hasControlFile === false) return false;
  return isFreePiece(name) && CONTROL_LIKE.test(name) && freeAutobackup(name) === null;
}

/** A control file: an autobackup, or what is called one. */
export function isControl(name: string): boolean {
  return freeAutobackup(name) !== null || isControlLike(name);
}

/** Whether a file is of RMAN in a folder where no autobackup says so: what bears its names, and what has no ending (`full_%d_%s_%p`), which no other tool
 *  is known by. What is called as others call theirs is left to them. */
export function isPieceAmongOthers(name: string): boolean {
  if (!isFreePiece(name)) return false;
  if (UNIQUE.test(name)) return true;
  if (OF_OTHERS.test(name)) return false;
  return isPieceLike(name) || isControlLike(name) || !ENDING.test(name) || OF_ORACLE.test(name);
}

/** `%U`, whatever ending people give it: eight letters and digits, so no date. */
const UNIQUE =
  /(?:^|[_.-])(?=[0-9a-z]{0,7}[a-z])(?=[a-z]{0,7}\d)[0-9a-z]{8}_\d{1,6}_\d{1,4}(?:_\d{1,4})*(?:[_.-]|$)/i;
/** Endings of pieces and logs that others hardly use: a run without its logs would pass for whole. */
const OF_ORACLE = /\.(?:arc|arch|dbf|rmn|ctl|lvl?[01])$/i;

/** What people write into their formats. null: the name does not say. */
export function namedLevel(name: string): 0 | 1 | null {
  const { kind } = parseOmfPiece(name) ?? { kind: null };
  if (kind === 'level1' || LEVEL_1.test(name)) return 1;
  return kind === 'level0' || kind === 'full' || LEVEL_0.test(name) ? 0 : null;
}

/** Day of the folder that an archived log lies in (`archivelog/2026_11_24/…`); empty: none. */
export function dayOf({ within }: { readonly within: string }): string {
  return /(?:^|\/)(\d{4}_\d\d_\d\d)\/[^/]+$/.exec(within)?.[1] ?? '';
}
