import { datedPlace } from '../names/dated-folders.js';
import { parseDatedName } from '../names/dated-name.js';

/** What lies in a folder under names of backups and is none that a layout may take. */
interface SetApart {
  readonly files: readonly string[];
  /** They are not walked. */
  readonly folders: readonly string[];
  /** Of whose machines these are the disks, which change while they are read; null: backups of another tool (`otherToolOf`). */
  readonly runBy: string | null;
  /** The folder is where those machines run: what else lies there is theirs too. Otherwise they run beside files of others. */
  readonly isWhole: boolean;
}

export const RUN_BY_VMWARE = 'VMware';

interface Names {
  /** Path within the repository; `''` is the root. */
  readonly folder: string;
  /** `RepositoryCapabilities.place`: the repository may be the pool itself. */
  readonly place?: string | undefined;
  readonly files: readonly string[];
  readonly folders: readonly string[];
}

interface Row {
  readonly runBy: string | null;
  readonly folder: RegExp;
  readonly file: RegExp;
  readonly within?: RegExp;
  /** Which of these names belong to a machine that is on. Absent: all do. */
  readonly ofRunning?: (names: Names) => (name: string) => boolean;
  /** What has to be true of the folder besides. Absent: nothing. */
  readonly isIn?: (names: Names) => boolean;
}

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const ANY = /(?:)/;
/** What VMware puts between the name of a machine, or of one of its disks, and the ending of one of its files. */
const OF_MACHINE =
  /^(?:[-_](?:\d{1,6}|flat|ctk|delta|sesparse|rdmp?|[sf]\d{3}|Snapshot\d+|[0-9a-f]{8}))*\.[a-z]+(?:\.lck)?$/i;

/** A machine has these only while it is on, each named after it or one of its disks: its swap file, and locks. Other machines, and backups, may
 *  lie beside it. */
function filesOfRunning({ files, folders }: Names): (name: string) => boolean {
  const present = new Set([...files, ...folders].map((name) => name.toLowerCase()));
  const swaps = files.flatMap((name) => SWAP.exec(name)?.groups?.machine?.toLowerCase() ?? []);
  const isOn = (name: string): boolean =>
    present.has(`${name}.lck`) || (name.endsWith('.vmx') && swaps.includes(name.slice(0, -4)));
  const stems = [...present]
    .filter((name) => /\.(?:vmx|vmdk)$/.test(name) && isOn(name))
    .map((name) => name.replace(/\.[a-z]+$/, ''));
  // The one machine of a folder may have disks under any name.
  const isAlone = files.filter((name) => /\.vmx$/i.test(name)).length === 1;
  if (isAlone && stems.some((stem) => present.has(`${stem}.vmx`))) return () => true;
  return (name) => {
    const lower = name.toLowerCase();
    return stems.some(
      (stem) => lower.startsWith(stem) && OF_MACHINE.test(lower.slice(stem.length)),
    );
  };
}

/** `virsh backup-begin` writes each of its disks beside the one that the machine runs on, where nobody gives it a place. */
function disksWithPushes({ files }: Names): (name: string) => boolean {
  const disks = new Set(files.flatMap((name) => PUSHED.exec(name)?.groups?.disk ?? []));
  return (name) => disks.has(name);
}

const PUSHED = /^(?<disk>.+\.(?:qcow2|raw|img))\.1\d{9}$/;

const SWAP = /^(?:vmx-)?(?<machine>.+?)(?:-[0-9a-f]{6,16})?\.vswp$/i;

const OF_PG_RMAN = /^(?:file_(?:database|arclog|srvlog)\.txt|mkdirs\.sh)$/;

/** The disk of a machine that happens to idle looks like one that was put there as a backup: nothing but where it lies tells them apart.
 *  Sources: proxmox/pve-storage src/PVE/Storage/Plugin.pm (get_subdir, parse_name_dir), libvirt storage.html and formatbackup.html, xapi-project/sm
 *  drivers/FileSR.py, vSphere documentation (Virtual Machine Files), ovirt/vdsm lib/vdsm/storage/fileSD.py, vatesfr/xen-orchestra @xen-orchestra/backups, wal-g
 *  internal/databases/postgres, postgrespro/pg_probackup src/pg_probackup.h, ossc-db/pg_rman pg_rman.h, manuals of Barman and NetBackup. */
const ROWS: readonly Row[] = [
  {
    runBy: 'Proxmox VE',
    folder: /(?:^|\/)images\/[1-9]\d{2,8}$/,
    file: /^(?:snap-[^/]+-)?(?:vm|base)-\d+-[^/]+\.(?:qcow2|raw|vmdk)$/,
    within: /^(?:base)?(?:subvol|vm|base)-\d+-disk-[^/]+$/,
  },
  {
    runBy: 'libvirt',
    folder: /(?:^|\/)libvirt\/images$/,
    file: /\.(?:qcow2|raw|img|vmdk)$/i,
  },
  {
    runBy: 'libvirt',
    folder: ANY,
    file: /\.(?:qcow2|raw|img)$/,
    ofRunning: disksWithPushes,
  },
  {
    runBy: RUN_BY_VMWARE,
    folder: ANY,
    file: /\.(?:vmdk|vmx|vmxf|vmsd|nvram|vmem|vmss|vmsn|vswp|lck|log)$/i,
    within: /\.lck$/i,
    isIn: ({ files }) =>
      files.some((name) => /\.vmx$/i.test(name)) &&
      !files.some((name) => name.startsWith('STATUS.')),
    ofRunning: filesOfRunning,
  },
  {
    runBy: 'XenServer or XCP-ng',
    folder: new RegExp(`(?:^|/)${UUID}$`, 'i'),
    file: new RegExp(`^${UUID}\\.vhd$`, 'i'),
    isIn: ({ files }) => !files.some((name) => /\.ovf$/i.test(name)),
  },
  {
    runBy: 'Nutanix AHV',
    folder: /(?:^|\/)\.acropolis\/vmdisk$/,
    file: new RegExp(`^${UUID}$`, 'i'),
  },
  // An export domain: a descriptor and the disks that it is of lie far apart.
  {
    runBy: null,
    folder: new RegExp(`(?:^|/)master/vms/${UUID}$`, 'i'),
    file: new RegExp(`^${UUID}\\.ovf$`, 'i'),
  },
  // Parts of a base backup of WAL-G, or of Barman, are called by the endings of archives that stand for themselves.
  { runBy: null, folder: /(?:^|\/)basebackups_005(?:\/|$)/, file: ANY },
  {
    runBy: null,
    folder: /(?:^|\/)base\/\d{8}T\d{6}$/,
    file: ANY,
    // A machine may be called `base`, and its runs by their time.
    isIn: ({ files }) =>
      files.some((name) => /^(?:backup\.info|(?:data|\d+)(?:_\d{4})?\.tar(?:\.\w+)?)$/.test(name)),
  },
  // A backup of pg_probackup without its catalogue, or of pg_rman: pages stand behind heads of their own, so that what looks like a cluster is none.
  {
    runBy: null,
    folder: ANY,
    file: ANY,
    within: /^(?:database|external_directories)$/,
    isIn: ({ files }) =>
      (files.includes('backup.control') && files.includes('backup_content.control')) ||
      (files.includes('backup.ini') && files.some((name) => OF_PG_RMAN.test(name))),
  },
  // Fragments of NetBackup, by the endings of disk images.
  {
    runBy: null,
    folder: ANY,
    file: /_C\d+_(?:F\d+|HDR|TIR)\.\d{10}\.\w+$/,
  },
  // A portable backup of InfluxDB: its shards are packed as archives are, and worth nothing without the files beside them.
  {
    runBy: null,
    folder: ANY,
    file: /^\d{8}T\d{6}Z\.(?:manifest|meta|(?:bolt|sqlite)\.gz|s?\d+\.tar\.gz)$/,
    isIn: ({ files }) => files.some((name) => /^\d{8}T\d{6}Z\.manifest$/.test(name)),
  },
  // Xen Orchestra merges what is oldest of a chain, under the name of what comes next.
  {
    runBy: null,
    folder: new RegExp(
      `(?:^|/)xo-vm-backups(?:/|$)|(?:^|/)${UUID}/vdis/${UUID}/${UUID}(?:/|$)`,
      'i',
    ),
    file: ANY,
  },
];

/** null: nothing. What lies in a folder with a date, or has one in its name, was put there: it is a copy. */
export function setApart(names: Names): SetApart | null {
  const { folder, files, folders } = names;
  const whole = [...(names.place ?? '').split('/'), ...folder.split('/')]
    .filter((name) => name !== '')
    .join('/');
  for (const { runBy, folder: expected, file, within, isIn, ofRunning } of ROWS) {
    // What other tools call their folders says nothing of what was put into one of such a name.
    const path = runBy === null ? folder : whole;
    if (!expected.test(path) || isIn?.(names) === false) continue;
    if (runBy !== null && datedPlace(path).date !== null) continue;
    const isOfRunning = ofRunning?.(names) ?? (() => true);
    const isApart = (name: string): boolean =>
      isOfRunning(name) && (runBy === null || parseDatedName(name) === null);
    const found = {
      files: files.filter((name) => file.test(name) && isApart(name)),
      folders: folders.filter((name) => within?.test(name) === true && isApart(name)),
      runBy,
      isWhole: ofRunning === undefined,
    };
    if (found.files.length + found.folders.length > 0) return found;
  }
  return null;
}
