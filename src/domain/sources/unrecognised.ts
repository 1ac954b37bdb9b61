/** Files of one folder of a source, or of one backup in it, that are of no layout which this release knows. Nothing of them is copied, so they are named. */
export interface UnrecognisedFiles {
  /** `.` is the root. */
  readonly folder: string;
  readonly fileCount: number;
  /** Names of the first ones, sorted; those that tell the tool before all others. Of a backup in many folders paths within it. */
  readonly examples: readonly string[];
  /** Name of the tool whose backups they look like. Absent: none is known. */
  readonly tool?: string;
  /** Whose machines run on disks that are among them. Absent: none is known to be one. */
  readonly runBy?: string;
  /** It is one link in the place of a folder or a file, which leads out of the repository. Absent: it is none. */
  readonly leadsOut?: true;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';

/** Names of many other files, of which only one that is larger looks like a backup: a key, a password or a list of sums is encrypted or signed too, and a
 *  configuration that was set aside is packed. No smaller file holds a database of SQL Server. */
const SMALLEST_BYTES = 65_536;

/** A packed `diff` is a patch, as sources of Debian have them, unless it is larger than those. */
const LARGER_THAN_PATCHES_BYTES = 67_108_864;

/** Tools whose backups no layout of this release finds, told by paths; the first one counts. Sources: the manuals of each, for what is marked so also what the tool
 *  itself wrote. */
const OTHER_TOOLS: readonly (readonly [tool: string, path: RegExp, smallestBytes?: number])[] = [
  ['Oracle RMAN as image copies', /(?:^|\/)datafile\/[^/]+\.dbf$/i],
  ['Oracle Data Pump', /\.dmp$/i],
  [
    'SAP HANA',
    /(?:^|\/)(?:[^/]+_databackup_(?:[a-z]+_\d{13}_\d{13}_)?\d{1,4}_\d{1,4}|log_backup(?:_\d{1,16}){4}(?:\.\d{13})?)$/,
  ],
  // An agent keeps what HANA hands to it under the name of the pipe, a file (or several) in a folder of it: sapagent of Google, AWS Backint agent.
  [
    'SAP HANA through a backint agent',
    /(?:^|\/)(?:SYS\/global\/hdb\/backint\/.|(?:[^/]+_databackup_(?:[a-z]+_\d{13}_\d{13}_)?\d{1,4}_\d{1,4}|log_backup(?:_\d{1,16}){4}(?:\.\d{13})?)\/[^/]+$)/,
  ],
  ['SqlPackage (BACPAC, DACPAC)', /\.(?:bac|dac)pac$/i],
  // Barman 3.19: identity.json, main-xlog.db and meta/<id>-backup.info are new.
  [
    'Barman',
    /(?:^|\/)(?:base\/\d{8}T\d{6}\/.+|wals\/(?:[^/]+-)?xlog\.db|identity\.json|meta\/\d{8}T\d{6}-backup\.info)$/,
  ],
  ['WAL-G', /(?:^|\/)basebackups_005\//],
  ['pg_probackup', /(?:^|\/)(?:pg_probackup\.conf|backup_content\.control)$/],
  ['pg_rman', /(?:^|\/)(?:pg_rman\.ini|file_(?:database|arclog|srvlog)\.txt)$/],
  ['pg_basebackup', /(?:^|\/)(?:backup_(?:manifest|label)|(?:base|pg_wal)\.tar(?:\.\w+)?)$/],
  ['pg_dump', /(?:^|\/)toc\.dat$/],
  [
    'XtraBackup or Mariabackup',
    // Where the two last files lie alone, a stream of which they tell lies elsewhere.
    /(?:^|\/)(?:backup-my\.cnf|xtrabackup_logfile|(?:xtrabackup|mariadb_backup)_(?:binlog|slave|galera)_info|[^/]+\.(?:(?:xb|mb)stream|xbs?)(?:\.\w+)*)$/i,
  ],
  ['mydumper', /-schema(?:-create|-triggers|-view|-post)?\.sql(?:\.\w+)?$/],
  ['MySQL or MariaDB as binary logs', /(?:^|[-/])bin(?:log)?\.\d{6}$/i],
  ['MySQL or MariaDB as a copy of their data folder', /(?:^|\/)(?:ibdata1|aria_log_control)$/],
  [
    'PostgreSQL as a copy of its data folder',
    /(?:^|\/)(?:PG_VERSION|pg_control|PG_\d+_\d{9}\/.+)$/,
  ],
  ['MongoDB as a copy of its data folder', /(?:^|\/)(?:WiredTiger(?:\.wt)?|mongod\.lock)$/],
  ['Redis or Valkey', /(?:\.rdb|(?:^|\/)appendonly\.aof(?:\.[\w.]+)?)$/i],
  ['etcd', /(?:^|\/)(?:(?:[^/]*etcd[^/]*|snapshot[^/]*)\.db|etcd-snapshot-[^/]+)$/i],
  ['etcd', /(?:^|\/)member\/(?:snap\/(?:db|[^/]+\.snap)|wal\/[^/]+\.wal)$/],
  ['Consul, Vault or Nomad', /(?:(?:consul|nomad|vault|raft|\d{8})[^/]*|(?:^|\/)backup)\.snap$/i],
  // Version 1, portable and not, and version 2.
  ['InfluxDB', /(?:^|\/)\d{8}T\d{6}Z\.(?:manifest|meta|(?:bolt|sqlite)\.gz|s?\d+\.tar\.gz)$/],
  ['InfluxDB', /\.[^/.]+\.\d{5}\.\d\d$/],
  ['Cassandra or ScyllaDB', /(?:^|\/)[a-z]{2}-[\da-z_]+-(?:big|bti)-[A-Z]\w+\.(?:db|txt|crc32)$/],
  ['Prometheus or Thanos', /(?:^|\/)[\dA-HJKMNP-TV-Z]{26}\/(?:meta\.json|index|chunks\/\d{6})$/],
  ['VictoriaMetrics', /(?:^|\/)backup_(?:complete|metadata)\.ignore$/],
  ['LDAP (LDIF)', /\.ldif$/i],
  ['OpenLDAP or another program with LMDB', /(?:^|\/)data\.mdb$/],
  ['Firebird', /\.(?:fbk|nbk|gbk)$/i],
  ['Veeam Backup & Replication', /\.(?:vbk|vib|vrb|vbm|vlb|vlm|vsb|vsm|vom|bco)$/i],
  [
    'Xen Orchestra',
    new RegExp(`(?:^|/)xo-(?:vm|config)-backups/|(?:^|/)${UUID}/vdis/${UUID}/`, 'i'),
  ],
  ['XenServer or XCP-ng (XVA)', /\.xva(?:\.(?:gz|zst))?$/i],
  [
    'a storage domain of oVirt',
    new RegExp(
      `(?:^|/)(?:master/vms/${UUID}/${UUID}\\.ovf|images/${UUID}/${UUID}(?:\\.meta)?)$`,
      'i',
    ),
  ],
  ['VirtualBox (VDI)', /\.vdi$/i],
  ['Parallels', /\.(?:pvm|hdd)\/|\.hds$/i],
  ['Clonezilla', /(?:^|\/)(?:clonezilla-img|blkdev\.list|[^/]+-ptcl-img\.[^/]+)$/],
  ['FSArchiver', /\.fsa$/i],
  [
    'Time Machine or another program that writes sparse bundles',
    /\.(?:sparse|backup)bundle\/|(?:^|\/)Backups\.backupdb\//i,
  ],
  ['DISM or another program that writes Windows images (WIM)', /\.(?:wim|swm|esd)$/i],
  ['Acronis', /\.tibx?$/i],
  ['Macrium Reflect', /\.mr(?:img|bak)x?$/i],
  ['ShadowProtect', /\.sp[fi]$/i],
  ['Symantec Ghost or System Recovery', /\.(?:gho|i?v2i)$/i],
  ['AOMEI Backupper', /\.(?:adi|afi)$/i],
  ['EaseUS Todo Backup', /\.pbd$/i],
  ['UrBackup', /\.vhdz$/i],
  ['ntbackup or Backup Exec', /\.bkf$/i],
  ['Veritas NetBackup', /_C\d+_(?:F\d+|HDR|TIR)\.\d{10}\.\w+$/],
  ['Commvault', /(?:^|\/)CHUNK_\d+\//],
  ['Synology Hyper Backup', /\.hbk\//i],
  ['NAKIVO', /(?:^|\/)NakivoBackup\//],
  ['Duplicati', /(?:^|\/)duplicati-[^/]+\.(?:dblock|dindex|dlist)\.[^/]+$/i],
  // Version 1 has numbers for names, and a layout.
  ['borg 2', /(?:^|\/)(?:archives|data(?:\/[\da-f]{2}){2})\/[\da-f]{64}$/],
  ['restic or rustic', /(?:^|\/)(?:data\/[\da-f]{2}|index|keys|snapshots)\/[\da-f]{64}$/],
  ['duplicity', /(?:^|\/)duplicity-(?:full|inc|new)[.-][^/]+$/],
  ['rdiff-backup', /(?:^|\/)rdiff-backup-data\//],
  ['dar', /\.\d+\.dar$/i],
  ['bup', /(?:^|\/)(?:bupindex(?:\.meta)?|bup\.bloom)$/],
  ['ZPAQ', /\.zpaq$/i],
  ['Elasticsearch or OpenSearch', /(?:^|\/)(?:snap-[\w-]{22}\.dat|index\.latest)$/],
  ['IBM Db2', /(?:^|\/)\w+\.\d\.\w+\.(?:NODE\d{4}\.CATN\d{4}|DBPART\d{3})\.\d{14}\.\d{3}$/i],
  ['GitLab', /(?:^|\/)\d{10}_\d{4}_\d\d_\d\d_[^/]+_gitlab_backup\.tar$/],
  [
    'mysqldump, pg_dump or another program that writes SQL',
    /\.sql\.(?:gz|bz2|xz|zst|lz4)$|\d{4}-?\d\d-?\d\d[^/]*\.sql$/i,
  ],
  [
    'pg_dump, dump or another program that writes dumps',
    /\.(?:pg)?dump(?:\.(?:gz|bz2|xz|zst|lz4))?$/i,
  ],
  ['cpio', /\.cpio(?:\.\w+)?$/i],
  [
    'tar, zip or another archiver',
    /\.(?:tar|t[gx]z|tbz2?|zip|7z|rar)(?:\.(?:bz2|zst|lz4|lzo|gpg|age|enc|[a-z]{2}|\d{3}))*$/i,
  ],
  // Packed, it is more than a file that some program set aside.
  ['SQL Server', /\.(?:trn|tlog)\.(?:gz|bz2|xz|zst|lz4|lzo|7z|zip|rar)$/i],
  ['SQL Server', /\.(?:bak|bkp|dif)\.(?:gz|bz2|xz|zst|lz4|lzo|7z|zip|rar)$/i, SMALLEST_BYTES],
  ['SQL Server', /\.diff\.(?:gz|bz2|xz|zst|lz4|lzo|7z|zip|rar)$/i, LARGER_THAN_PATCHES_BYTES],
  ['mongodump', /\.bson$/i],
  ['SQLite', /\.(?:sqlite3?|db3)$/i],
  ['pgBackRest', /(?:^|\/)backup\.manifest(?:\.copy)?$/],
  ['EnCase, FTK Imager or another program of forensics', /\.(?:e|ex|s)01$/i],
  ['rsnapshot', /(?:^|\/)(?:alpha|beta|gamma|delta|hourly|daily|weekly|monthly|yearly)\.\d+\//],
  ['GnuPG, age or another program that encrypts', /\.(?:gpg|pgp|age|aes|enc)$/i, SMALLEST_BYTES],
];

/** What packers, encryption and `split` put behind the name of a backup. */
const WRAPPED =
  /(?:\.(?:gz|bz2|xz|zst|lz4|lzo|lzma|7z|zip|rar|gpg|pgp|age|aes|enc|a[a-z]|\d{3})){1,4}$/i;

/** The path as it is, and without what was put behind it: `web01.vdi.gz.gpg` is of what makes `web01.vdi`. */
function withUnwrapped(path: string): string[] {
  const bare = path.replace(WRAPPED, '');
  return bare === path || bare === '' || bare.endsWith('/') ? [path] : [path, bare];
}

/** Tools whose backup may be a folder with everything below it, by a file that lies in that folder. */
const TOOLS_OF_TREES: readonly (readonly [tool: string, name: RegExp])[] = [
  ['pg_basebackup', /^backup_(?:manifest|label)$/],
  ['XtraBackup or Mariabackup', /^(?:backup-my\.cnf|xtrabackup_logfile)$/],
  ['bup', /^bupindex$/],
  ['PostgreSQL as a copy of its data folder', /^PG_VERSION$/],
  ['MySQL or MariaDB as a copy of their data folder', /^ibdata1$/],
  ['MongoDB as a copy of its data folder', /^WiredTiger$/],
];

/** The tool of whose backup a folder is with everything below it, by the files in it; null: none. */
export function toolOfTree(names: readonly string[]): string | null {
  return TOOLS_OF_TREES.find(([, name]) => names.some((one) => name.test(one)))?.[0] ?? null;
}

/** What is looked at of a file. */
interface NamedFile {
  readonly name: string;
  readonly sizeBytes: number;
}

/** The first tool whose backups one of these files looks like; null: none. */
export function otherToolOf(folder: string, files: readonly NamedFile[]): string | null {
  const known = files.map((file) => ({ ...file, paths: pathsOf(folder, file.name) }));
  const isLike = ([, path, smallestBytes = 0]: (typeof OTHER_TOOLS)[number]) =>
    known.some(
      ({ paths, sizeBytes }) => sizeBytes >= smallestBytes && paths.some((one) => path.test(one)),
    );
  return OTHER_TOOLS.find(isLike)?.[0] ?? null;
}

/** Whether a file alone looks like a backup of that tool.
 *  @param sizeBytes absent: nobody knows, so it is large enough */
export function looksLike(
  tool: string,
  folder: string,
  name: string,
  sizeBytes = Infinity,
): boolean {
  const paths = pathsOf(folder, name);
  return OTHER_TOOLS.some(
    ([title, pattern, smallestBytes = 0]) =>
      title === tool && sizeBytes >= smallestBytes && paths.some((one) => pattern.test(one)),
  );
}

function pathsOf(folder: string, name: string): string[] {
  return withUnwrapped(folder === '.' ? name : `${folder}/${name}`);
}

/** As many names tell what it is. */
export const UNRECOGNISED_EXAMPLES = 3;

/** Why, as one plain sentence without its end. */
export function unrecognisedReason({
  folder,
  fileCount,
  examples,
  tool,
  runBy,
  leadsOut,
}: UnrecognisedFiles): string {
  const names = examples.map((name) => JSON.stringify(name)).join(', ');
  if (leadsOut)
    return `${names} is a link that leads out of this repository and is not followed, so nothing of what lies there is copied unless it is a repository of its own`;
  const rest = fileCount - examples.length;
  const what = rest === 0 ? names : `${names} and ${rest} more`;
  if (runBy !== undefined && tool === undefined) {
    const lies = fileCount === 1 ? 'lies' : 'lie';
    const isNot = fileCount === 1 ? 'it is' : 'they are';
    return `${what} ${lies} where machines of ${runBy} run on their disks, which are no backups, so ${isNot} not copied`;
  }
  // One dump among pictures makes them no dump.
  const own = examples.filter((name) => tool !== undefined && looksLike(tool, folder, name));
  const among = own.length > 0 && own.length < examples.length ? 'among them, ' : '';
  const seems = tool === undefined ? '' : ` (${among}as it seems, a backup of ${tool})`;
  const isHidden = folder.split('/').some((name) => name !== '.' && name.startsWith('.'));
  if (isHidden)
    return fileCount === 1
      ? `${what} lies in a hidden folder, where no backups are looked for${seems}, so it is not copied`
      : `${what} lie in a hidden folder, where no backups are looked for${seems}, so they are not copied`;
  return fileCount === 1
    ? `${what} is of no backup layout that this release knows${seems}, so it is not copied`
    : `${what} are of no backup layout that this release knows${seems}, so they are not copied`;
}
