import { clusterFiles, segmentName } from './cluster-files.js';

/** The folder `main` that Barman keeps for a server, laid out as Barman 3.4 writes it. */
export const BARMAN_IDS = ['20261123T210000', '20261124T210000'] as const;
export const SHARD = 'wals/0000000100000000';

const SEGMENT = Buffer.alloc(1024 * 1024);

/** As Barman 3.4 writes it, as far as it is read. */
export function barmanInfo(
  id: string,
  begin: number,
  more: Readonly<Record<string, string>> = {},
): Buffer {
  const day = `${id.slice(0, 4)}-${id.slice(4, 6)}-${id.slice(6, 8)}`;
  const fields = {
    ...{ begin_time: `${day} 21:00:00.332016+00:00`, begin_wal: segmentName(begin) },
    ...{ deduplicated_size: '24236525', end_time: `${day} 21:00:03.371008+00:00` },
    ...{ end_wal: segmentName(begin + 1), error: 'None', mode: 'postgres', size: '24236525' },
    ...{
      status: 'DONE',
      tablespaces: 'None',
      timeline: '1',
      xlog_segment_size: '1048576',
      ...more,
    },
  };
  return Buffer.from(
    Object.entries(fields)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  );
}

export const barmanBackup = (
  id: string,
  begin: number,
  more?: Readonly<Record<string, string>>,
) => ({
  ...clusterFiles(`main/base/${id}/data`, { log: [] }),
  [`main/base/${id}/backup.info`]: barmanInfo(id, begin, more),
});

export const barmanLog = (...segments: number[]) => ({
  ...Object.fromEntries(
    segments.map((segment) => [`main/${SHARD}/${segmentName(segment)}`, SEGMENT]),
  ),
  'main/wals/xlog.db': Buffer.from(''),
  'main/identity.json': Buffer.from('{}'),
});

/** Two backups and their log. */
export function barmanFiles(): Record<string, Buffer> {
  const [first, second] = BARMAN_IDS;
  return {
    ...barmanBackup(first, 9),
    ...barmanBackup(second, 12),
    ...barmanLog(9, 10, 11, 12, 13),
  };
}
