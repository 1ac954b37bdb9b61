import { createHash } from 'node:crypto';

/** Files of a base backup of PostgreSQL, laid out as pg_basebackup 15 writes them, with a manifest that lists them. */
interface ClusterOptions {
  /** Position at which it began, in segments of 1 MiB. */
  readonly start?: string;
  readonly end?: string;
  /** Of an incremental one: where that began which it builds on. */
  readonly from?: string;
  /** Of PostgreSQL. */
  readonly version?: number;
  /** Names below `pg_wal`. */
  readonly log?: readonly string[];
  /** Further files that lay in the cluster: the tool has copied and listed them. */
  readonly more?: Readonly<Record<string, Buffer>>;
}

export function clusterFiles(
  folder: string,
  {
    start = '0/900028',
    end = '0/900100',
    from,
    version = 15,
    log = [segmentName(9)],
    more = {},
  }: ClusterOptions = {},
): Record<string, Buffer> {
  const label = [
    `START WAL LOCATION: ${start} (file ${segmentName(9)})`,
    'BACKUP METHOD: streamed',
    'START TIME: 2026-11-24 21:00:00 UTC',
    ...(from === undefined ? [] : [`INCREMENTAL FROM LSN: ${from}`, 'INCREMENTAL FROM TLI: 1']),
  ];
  const listed: Record<string, Buffer> = {
    backup_label: Buffer.from(`${label.join('\n')}\n`),
    PG_VERSION: Buffer.from(`${version}\n`),
    'base/5/1259': Buffer.alloc(8192, 1),
    'base/5/PG_VERSION': Buffer.from(`${version}\n`),
    'global/1262': Buffer.alloc(8192, 2),
    'postgresql.conf': Buffer.from('# ä\n'),
    'global/pg_control': Buffer.alloc(8192, 3),
    ...more,
  };
  const manifest = manifestOf(listed, start, end);
  const all = {
    ...listed,
    'postgresql.auto.conf': Buffer.from("primary_conninfo = 'x'\n"),
    ...Object.fromEntries(log.map((name) => [`pg_wal/${name}`, Buffer.alloc(1024 * 1024, 4)])),
    backup_manifest: Buffer.from(manifest),
  };
  return Object.fromEntries(
    Object.entries(all).map(([path, bytes]) => [folder === '' ? path : `${folder}/${path}`, bytes]),
  );
}

/** `000000010000000000000009` */
export function segmentName(segment: number): string {
  return `0000000100000000${segment.toString(16).toUpperCase().padStart(8, '0')}`;
}

/** As in the documentation of PostgreSQL, Backup Manifest Format. */
function manifestOf(files: Readonly<Record<string, Buffer>>, start: string, end: string): string {
  const lines = Object.entries(files).map(
    ([path, bytes]) =>
      `{ "Path": ${JSON.stringify(path)}, "Size": ${bytes.length}, "Last-Modified": "2026-11-24 21:00:00 GMT" }`,
  );
  const text = [
    '{ "PostgreSQL-Backup-Manifest-Version": 1,\n"Files": [\n',
    // Its settings are written to behind the manifest.
    [...lines, '{ "Path": "postgresql.auto.conf", "Size": 88 }'].join(',\n'),
    '\n],\n"WAL-Ranges": [\n',
    `{ "Timeline": 1, "Start-LSN": "${start}", "End-LSN": "${end}" }\n],\n`,
  ].join('');
  const digest = createHash('sha256').update(text).digest('hex');
  return `${text}"Manifest-Checksum": "${digest}"}\n`;
}
