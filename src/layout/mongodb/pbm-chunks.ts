import { namedDateMs } from '../names/named-date.js';
import type { ClusterTime } from './pbm-metadata.js';

/** A piece of the oplog between backups. */
export interface PbmChunk {
  /** Path from the root of the store. */
  readonly path: string;
  readonly replicaSet: string;
  readonly start: ClusterTime;
  readonly end: ClusterTime;
}

export const CHUNK_FOLDER = 'pbmPitr';

/** `pbmPitr/<replica set>/<day>/20220209124238-19.20220209124453-8.oplog.snappy`: from second and ordinal to second and ordinal, in UTC.
 *  Source: percona/percona-backup-mongodb pbm/oplog/chunk.go (FormatChunkFilepath). */
const CHUNK =
  /^pbmPitr\/(?<set>[^/]+)\/\d{8}\/(?<a>\d{14})-(?<ai>\d{1,10})\.(?<b>\d{14})-(?<bi>\d{1,10})\.oplog(?:\.(?:gz|lz4|snappy|s2|zst))?$/;
const STAMP =
  /^(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)$/;

/** null: no chunk. */
export function parsePbmChunk(path: string): PbmChunk | null {
  const parts = CHUNK.exec(path)?.groups;
  if (parts === undefined) return null;
  const start = timeOf(parts.a, parts.ai);
  const end = timeOf(parts.b, parts.bi);
  if (start === null || end === null) return null;
  return { path, replicaSet: parts.set ?? '', start, end };
}

function timeOf(stamp = '', ordinal = ''): ClusterTime | null {
  const parts = STAMP.exec(stamp)?.groups;
  const ms = parts === undefined ? null : namedDateMs(parts);
  return ms === null ? null : { seconds: ms / 1000, ordinal: Number(ordinal) };
}
