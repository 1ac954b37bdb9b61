/** What Percona Backup for MongoDB says of a backup, in `<name>.pbm.json`. It is written when the backup has ended.
 *  Source: percona/percona-backup-mongodb pbm/backup/types.go, pbm/defs/defs.go, pbm/compress. */

export interface PbmMetadata {
  readonly name: string;
  readonly type: 'logical' | 'physical' | 'incremental' | 'external';
  readonly status: string;
  readonly error: string | null;
  /** Name of the backup that an incremental builds on; null: it is a base. */
  readonly source: string | null;
  /** Ending that compression gives to the stored files. */
  readonly suffix: string;
  /** The state that a restore gives, as seconds and ordinal. */
  readonly lastWrite: ClusterTime;
  readonly startedAtMs: number;
  readonly replicaSets: readonly PbmReplicaSet[];
  /** Databases and collections that it has alone (`pbm backup --ns`); empty: it has all. */
  readonly namespaces: readonly string[];
}

/** Ordered by `compareTime`. */
export interface ClusterTime {
  readonly seconds: number;
  readonly ordinal: number;
}

export interface PbmReplicaSet {
  readonly name: string;
  /** Of a logical backup, paths from the root of the store: the dump or its list, the oplog or the folder of its chunks. */
  readonly dump: string | null;
  readonly oplog: string | null;
  /** Of a physical backup of an early release; null: the list is a file of its own. */
  readonly files: readonly PbmFile[] | null;
}

/** A file of a physical backup. */
export interface PbmFile {
  /** From the folder of the replica set, without the ending of the compression. */
  readonly name: string;
  /** Range that was stored; 0 bytes: all of it. */
  readonly offset: number;
  readonly length: number;
  /** 0: nothing was stored, because nothing has changed. */
  readonly storedBytes: number;
}

const SUFFIXES: Readonly<Record<string, string>> = {
  ...{ gzip: '.gz', pgzip: '.gz', snappy: '.snappy', lz4: '.lz4', s2: '.s2', zstd: '.zst' },
  ...{ none: '', '': '' },
};

const TYPES = ['logical', 'physical', 'incremental', 'external'] as const;

/** @returns what is wrong with it, as words that follow its name */
export function parsePbmMetadata(json: unknown): PbmMetadata | string {
  if (!isRecord(json)) return 'is no description of a backup';
  const { name, status, replsets } = json;
  if (typeof name !== 'string' || typeof status !== 'string') return 'has no name or no status';
  // Early releases knew logical backups alone and did not say so.
  const type = TYPES.find((one) => one === (json.type ?? 'logical'));
  if (type === undefined) return `is of type ${JSON.stringify(json.type)}, which is not known`;
  const suffix = SUFFIXES[textOf(json.compression) ?? ''];
  if (suffix === undefined)
    return `is compressed by ${JSON.stringify(json.compression)}, which is not known`;
  if (replsets !== null && replsets !== undefined && !Array.isArray(replsets))
    return 'has no list of replica sets';
  const sets = (replsets as unknown[] | null | undefined) ?? [];
  if (sets.length > MAX_REPLICA_SETS) return `has more than ${MAX_REPLICA_SETS} replica sets`;
  const replicaSets = sets.map(replicaSetOf);
  const faults = replicaSets.flatMap((set) => (typeof set === 'string' ? [set] : []));
  if (faults.length > 0) return faults[0]!;
  return {
    ...{ name, type, status, suffix },
    error: textOf(json.error),
    source: textOf(json.src_backup),
    lastWrite: timeOf(json.last_write_ts),
    startedAtMs: secondsOf(json.start_ts) * 1000,
    replicaSets: replicaSets.filter((set) => typeof set !== 'string'),
    namespaces: namespacesOf(json.nss),
  };
}

const MAX_REPLICA_SETS = 4_096;

/** As PBM tells a selective backup: one that names anything but all. Source: pbm/util/nss.go (IsSelective). */
function namespacesOf(json: unknown): string[] {
  const names = (Array.isArray(json) ? (json as unknown[]) : []).flatMap(
    (one) => textOf(one) ?? [],
  );
  return names.filter((name) => name !== '*.*');
}

function replicaSetOf(json: unknown): PbmReplicaSet | string {
  if (!isRecord(json) || typeof json.name !== 'string') return 'has a replica set without a name';
  const files = Array.isArray(json.files) ? (json.files as unknown[]) : null;
  const journal = Array.isArray(json.journal) ? (json.journal as unknown[]) : [];
  return {
    name: json.name,
    dump: textOf(json.backup_name),
    oplog: textOf(json.oplog_name),
    files: files === null ? null : [...files, ...journal].map(fileOf),
  };
}

function fileOf(json: unknown): PbmFile {
  const file = isRecord(json) ? json : {};
  return {
    name: textOf(file.filename) ?? '',
    offset: numberOf(file.offset),
    length: numberOf(file.length),
    storedBytes: numberOf(file.stgSize),
  };
}

/** Under which path below the folder of the backup a file of a physical backup is stored. */
export function storedPath(replicaSet: string, file: PbmFile, suffix: string): string {
  const path = `${replicaSet}/${file.name.replace(/^\/+/, '')}${suffix}`;
  return file.length === 0 ? path : `${path}.${file.offset}-${file.length}`;
}

export function compareTime(a: ClusterTime, b: ClusterTime): number {
  return a.seconds - b.seconds || a.ordinal - b.ordinal;
}

/** As PBM shows it: `2022-02-09T12:42:38Z,19`. */
export function timeText({ seconds, ordinal }: ClusterTime): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z,${ordinal}`;
}

function timeOf(json: unknown): ClusterTime {
  if (!isRecord(json)) return { seconds: 0, ordinal: 0 };
  return { seconds: secondsOf(json.T), ordinal: numberOf(json.I) };
}

/** MongoDB counts seconds in 32 bits. */
function secondsOf(json: unknown): number {
  const seconds = numberOf(json);
  return seconds > 0xffff_ffff ? 0 : seconds;
}

/** 0 for what is none. */
function numberOf(json: unknown): number {
  return typeof json === 'number' && Number.isSafeInteger(json) && json >= 0 ? json : 0;
}

function textOf(json: unknown): string | null {
  return typeof json === 'string' && json !== '' ? json : null;
}

function isRecord(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
