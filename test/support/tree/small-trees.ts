import { createHash } from 'node:crypto';
import { streamFixture } from '../image/stream-fixture.js';
import { barmanFiles } from '../layout/barman-files.js';
import { clusterFiles, segmentName } from '../layout/cluster-files.js';
import { hanaBackups, recoveryArea } from '../layout/database-trees.js';
import { probackupFiles } from '../layout/probackup-files.js';
import { walgBackup, walgLog } from '../layout/walg-files.js';
import { mtfBackup } from './databases/mtf-writer.js';
import { blobFile, chunkPath, fixedIndexFile } from './datastore.js';

export type TreeFiles = Readonly<Record<string, Buffer | string>>;

const digestOf = (text: string | Buffer) => createHash('sha256').update(text).digest('hex');

const numbers = (count: number): number[] => [...Array(count).keys()];

function named<T>(paths: readonly T[], fileOf: (one: T) => readonly [string, Buffer | string]) {
  return Object.fromEntries(paths.map(fileOf));
}

const DAYS = ['2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22', '2026-11-23'];

function restic(): TreeFiles {
  const blob = (folder: string, text: string) => {
    const digest = digestOf(text);
    const shard = folder === 'data' ? `${digest.slice(0, 2)}/` : '';
    return [`store/${folder}/${shard}${digest}`, text] as const;
  };
  return {
    'store/config': 'config',
    ...named([...numbers(9)], (i) => blob('data', `pack ${i}`)),
    ...named(['a', 'b'], (name) => blob('index', `index ${name}`)),
    ...named(DAYS, (day) => blob('snapshots', `snapshot ${day}`)),
    ...named(['key'], (name) => blob('keys', name)),
  };
}

function kopia(root: string): TreeFiles {
  const names = ['kopia.repository.f', 'kopia.maintenance.f', 'q01.f', '_log_1.f', '_log_2.f'];
  return named(
    [...names, ...numbers(9).map((i) => `p0${i}.f`), ...numbers(4).map((i) => `n0${i}.f`)],
    (name) => [`${root}/${name}`, `${name} of kopia`],
  );
}

function datastore(): TreeFiles {
  const chunks = numbers(20).map((i) => Buffer.alloc(900, `chunk ${i}`));
  const digests = chunks.map(digestOf);
  return {
    'store/vm/100/owner': 'root@pam',
    ...named(chunks, (data) => [`store/${chunkPath(digestOf(data))}`, blobFile(data)]),
    ...named(DAYS, (day) => [
      `store/vm/100/${day}T22:00:00Z/drive-scsi0.img.fidx`,
      fixedIndexFile(digests),
    ]),
    ...named(DAYS, (day) => [`store/vm/100/${day}T22:00:00Z/index.json.blob`, blobFile('{}')]),
  };
}

/** Logical backups as PBM 2 describes them, and pieces of the oplog behind each other. */
function pbm(): TreeFiles {
  const second = (day: string) => Date.parse(`${day}T22:00:05Z`) / 1000;
  const descriptionOf = (day: string): string =>
    JSON.stringify({
      ...{ name: `${day}T22:00:00Z`, type: 'logical', status: 'done', compression: 's2' },
      ...{ start_ts: second(day) - 5, last_write_ts: { T: second(day), I: 1 } },
      replsets: [
        {
          name: 'rs1',
          backup_name: `${day}T22:00:00Z_rs1.dump.s2`,
          oplog_name: `${day}T22:00:00Z_rs1.oplog.s2`,
        },
      ],
    });
  const piece = (minute: number) => `20261123${220000 + minute * 100}`;
  return {
    'mongo/.pbm.init': '2.0',
    ...named(DAYS, (day) => [`mongo/${day}T22:00:00Z.pbm.json`, descriptionOf(day)]),
    ...named(DAYS, (day) => [`mongo/${day}T22:00:00Z_rs1.dump.s2`, `dump of ${day}`.repeat(9)]),
    ...named(DAYS, (day) => [`mongo/${day}T22:00:00Z_rs1.oplog.s2`, `oplog of ${day}`.repeat(9)]),
    ...named(numbers(6), (i) => [
      `mongo/pbmPitr/rs1/20261123/${piece(i)}-1.${piece(i + 1)}-1.oplog.s2`,
      `piece ${i} of the oplog`,
    ]),
  };
}

/** A repository of pgBackRest of two fulls without log of their own. Source of the digest: pgbackrest src/info/info.c. */
function pgBackRest(): TreeFiles {
  const backup = (hour: number) => ({
    'backup-archive-start': segmentName(2),
    'backup-archive-stop': segmentName(3),
    'backup-error': false,
    'backup-info-repo-size-delta': 900,
    'backup-lsn-start': '0/2000028',
    'backup-timestamp-stop': Date.parse(`2026-11-23T0${hour}:00:00Z`) / 1000,
    'backup-type': 'full',
  });
  const labels = [1, 2, 3, 4].map((hour) => [hour, `20261123-0${hour}0000F`] as const);
  const section = (name: string, values: readonly (readonly [string, unknown])[]) => ({
    name,
    lines: values.map(([key, value]) => [key, JSON.stringify(value)] as const),
  });
  const infoOf = (sections: readonly ReturnType<typeof section>[]): string => {
    const hashed = sections.map(
      ({ name, lines }) =>
        `"${name}":{${lines.map(([key, json]) => `"${key}":${json}`).join(',')}}`,
    );
    const sum = createHash('sha1')
      .update(`{${hashed.join(',')}}`)
      .digest('hex');
    return [
      ...sections.flatMap(({ name, lines }) => [
        `[${name}]`,
        ...lines.map(([key, json]) => `${key}=${json}`),
        '',
      ]),
      ...['[backrest]', `backrest-checksum="${sum}"`, ''],
    ].join('\n');
  };
  const info = infoOf([
    section(
      'backup:current',
      labels.map(([hour, label]) => [label, backup(hour)]),
    ),
    section('db', [['db-id', 1]]),
  ]);
  const archive = infoOf([section('db', [['db-id', 1]])]);
  const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
  return {
    ...named(['backup.info', 'backup.info.copy'], (name) => [`pgbr/backup/main/${name}`, info]),
    ...named(['archive.info', 'archive.info.copy'], (name) => [
      `pgbr/archive/main/${name}`,
      archive,
    ]),
    ...named(numbers(6), (i) => {
      const bytes = Buffer.alloc(1024 * 1024, i);
      const name = `${segmentName(i + 1)}-${sha1(bytes.toString('latin1'))}`;
      return [`pgbr/archive/main/15-1/0000000100000000/${name}`, bytes];
    }),
    ...named(labels, ([, label]) => [`pgbr/backup/main/${label}/backup.manifest`, `of ${label}`]),
    ...named(labels, ([, label]) => [
      `pgbr/backup/main/${label}/pg_data/base/5/1259.zst`,
      `data of ${label}`,
    ]),
  };
}

/** As the information of mariadb-backup 10.11 reads. */
function xtraBackup(day: string, at: number): TreeFiles {
  const folder = `my/full-${day}`;
  return {
    [`${folder}/ibdata1`]: `tables of ${day}`.repeat(9),
    [`${folder}/shop/t.ibd`]: `table of ${day}`.repeat(9),
    [`${folder}/backup-my.cnf`]: '[mysqld]\n',
    [`${folder}/xtrabackup_checkpoints`]: `backup_type = full-backuped\nfrom_lsn = 0\nto_lsn = ${at}\nlast_lsn = ${at + 20}\nrecover_binlog_info = 0\n`,
    [`${folder}/xtrabackup_info`]: `uuid = b5348984\ntool_name = mariadb-backup\ninnodb_from_lsn = 0\ninnodb_to_lsn = ${at}\npartial = N\nincremental = N\nformat = file\ncompressed = N\n`,
  };
}

/** Two blocks of the head, and one of log, of blocks of 512 bytes. */
function redoLog(sequence: number): Buffer {
  const bytes = Buffer.alloc(1536, 7);
  bytes[0] = 0;
  bytes[1] = 0x22;
  bytes.writeUInt32LE(512, 20);
  bytes.writeUInt32LE(0x7a7b7c7d, 28);
  bytes.writeUInt32LE(sequence, 520);
  bytes.writeUInt32LE(3, 668);
  return bytes;
}

/** A full of SQL Server under a name of Ola Hallengren’s. */
export function olaFull(day: string, at: number): readonly [string, Buffer] {
  const numbersOf = { firstLsn: at, lastLsn: at + 9, checkpointLsn: at + 2, databaseLsn: 0 };
  const whole = mtfBackup({
    ...{ kind: 'D', database: 'Sales', server: 'SRV1', ...numbersOf },
    ...{ localMs: Date.parse(`${day}T22:00:00Z`), dataBytes: 4096 },
  });
  return [`sql/SRV1_Sales_FULL_${day.replaceAll('-', '')}_220000.bak`, whole];
}

/** A small tree of each layout of trees, as its tool lays it out under names that it gives once. By the name of the row; paths are of the repository. */
export const SMALL_TREES: Readonly<Record<string, () => TreeFiles>> = {
  restic,
  borg: () => ({
    'store/README': 'This is a Borg Backup repository.\n',
    'store/config': '[repository]\nversion = 1\nid = 00\n',
    ...named(numbers(12), (i) => [`store/data/0/${i}`, `BORG_SEG${i}`]),
    ...named(['integrity.11', 'hints.11', 'index.11', 'nonce'], (name) => [`store/${name}`, name]),
  }),
  kasten: () => kopia('store/k10/repo'),
  kopia: () => kopia('store'),
  pbs: datastore,
  'dated-tree': () => ({
    'share/backup.marker': '',
    ...named(DAYS, (day) => [`share/${day}-210000/docs/letter.txt`, `letter of ${day}`]),
  }),
  pbm,
  mongodump: () =>
    named(
      ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `dump-2026-11-23/shop/${name}.bson`),
      (path) => [path, Buffer.alloc(400, 1)],
    ),
  pgbackrest: pgBackRest,
  barman: barmanFiles,
  'pg-probackup': probackupFiles,
  'wal-g': () => ({
    ...walgBackup(`base_${segmentName(9)}`, 9),
    ...walgBackup(`base_${segmentName(12)}`, 12),
    ...walgLog(9, 10, 11, 12, 13, 14),
  }),
  'postgres-wal': () =>
    named(numbers(6), (i) => [`wal/${segmentName(i + 1)}`, Buffer.alloc(1024 * 1024, 1)]),
  'pg-base-folder': () => ({ ...clusterFiles('pg/2026-11-22'), ...clusterFiles('pg/2026-11-23') }),
  xtrabackup: () =>
    Object.assign({}, ...DAYS.map((day, i) => xtraBackup(day, 100 + 10 * i))) as TreeFiles,
  hana: () => named(Object.entries(hanaBackups()), ([path, bytes]) => [`hdb/${path}`, bytes]),
  rman: recoveryArea,
  'rman-free': () =>
    named(
      [
        ...numbers(5).map((i) => `ora/L0_ORCL_${i}v2k3j4l_1_1`),
        'ora/c-1234567890-20261123-00',
        'ora/c-1234567890-20261123-01',
      ],
      (path) => [path, path.repeat(9)],
    ),
  'oracle-logs': () => named(numbers(6), (i) => [`arch/1_${i + 7}_987654321.dbf`, redoLog(i + 7)]),
  mssql: () => named(DAYS, (day) => olaFull(day, 1_000 + 20 * DAYS.indexOf(day))),
  'stream-chain': () =>
    named([...DAYS, '2026-11-24'], (day) => [
      `pool/tank-${day}.zfs`,
      Buffer.concat([streamFixture('one.zfs'), Buffer.alloc(9)]).subarray(0, -9),
    ]),
};
