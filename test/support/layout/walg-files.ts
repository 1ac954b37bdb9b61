import { segmentName } from './cluster-files.js';

const SEGMENT_BYTES = 16 * 1024 * 1024;

/** As WAL-G 3 lays a backup into the store `pg`: tars, metadata, and the sentinel at last. */
export const walgBackup = (
  name: string,
  segment: number,
  more: Readonly<Record<string, unknown>> = {},
): Record<string, string> => ({
  [`pg/basebackups_005/${name}/tar_partitions/part_001.tar.lz4`]: 'x',
  [`pg/basebackups_005/${name}/tar_partitions/pg_control.tar.lz4`]: 'x',
  [`pg/basebackups_005/${name}/metadata.json`]: '{}',
  [`pg/basebackups_005/${name}_backup_stop_sentinel.json`]: JSON.stringify({
    ...{ LSN: segment * SEGMENT_BYTES + 40, FinishLSN: (segment + 1) * SEGMENT_BYTES + 80 },
    ...{ PgVersion: 150018, ...more },
  }),
});

export const walgLog = (...segments: number[]): Record<string, string> =>
  Object.fromEntries(segments.map((at) => [`pg/wal_005/${segmentName(at)}.lz4`, 'x']));
