import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { ClaimedFiles } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { isRunTime, parseOvfName, UUIDS, type OvirtFile } from './names.js';
import { joinedByTime, type DiskSet } from './joined-by-time.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { readText } from '../xml-file.js';

/** The backup files of one virtual machine in one folder. */
export interface OvirtMachine {
  /** Workload id. */
  readonly id: string;
  /** Which it would have without its OVF file, beside other machines, or with another first disk. */
  readonly otherIds: readonly string[];
  readonly name: string;
  /** In order of their names: oldest first. */
  readonly files: readonly OvirtFile[];
  /** Its OVF files; the tool writes them beside the backups, not per run. */
  readonly companions: readonly RepositoryEntry[];
}

interface OvfFile {
  readonly entry: RepositoryEntry;
  readonly machine: { readonly id: string; readonly name: string };
}

/** The machines of one flat folder. File names hold no machine id, so disks that appear in one restore point belong to one machine; those of a run
 *  without checkpoints, which is known by its second alone, as `joinedByTime` tells.
 *  - An OVF file names the machine that it describes, by its disks (`ovirt-<vm id>`).
 *  - Otherwise the only machine of a folder goes by the folder, and one of several by the folder and the first disk of its
 *    oldest point: nothing that a new increment changes. Putting a second machine into a folder without OVF files changes the id of the first, and so does
 *    what takes the last other one away, or the first disk: the ids that it may have had are told with it, so that nothing takes those copies for
 *    copies of a machine that is gone.
 *  @throws what the repository throws when an OVF file cannot be read: without it the id would change */
export async function groupByMachine(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
  backups: readonly OvirtFile[],
): Promise<OvirtMachine[]> {
  const ovfs: OvfFile[] = files.flatMap((entry) => {
    const machine = parseOvfName(entry.name);
    return machine === null ? [] : [{ entry, machine }];
  });
  const machines = await filesByMachine(facts, backups, ovfs);
  const found: OvirtMachine[] = [];
  for (const members of machines) {
    const own = await ovfsOf(facts, members, ovfs, machines.length === 1);
    const disk = members[0]?.disk ?? '';
    const isAlone = machines.length === 1;
    const byFolder = {
      id: folderWorkloadId('ovirt', folder) + (isAlone ? '' : `:${disk}`),
      name: folderName('ovirt', folder) + (isAlone ? '' : ` (${disk.slice(0, 8)})`),
    };
    const named = own.at(-1)?.machine;
    const id = named === undefined ? byFolder.id : `ovirt-${named.id}`;
    const ofFolder = folderWorkloadId('ovirt', folder);
    const disks = new Set(members.map((member) => member.disk));
    const ids = [ofFolder, ...[...disks].sort().map((one) => `${ofFolder}:${one}`)];
    found.push({
      id,
      otherIds: ids.filter((one) => one !== id),
      name: named?.name ?? byFolder.name,
      files: members,
      companions: own.map(({ entry }) => entry),
    });
  }
  return found;
}

/** Sets of disks that are connected by checkpoints, by an OVF file or by the times of their runs, as lists of files. */
async function filesByMachine(
  facts: FolderFacts,
  backups: readonly OvirtFile[],
  ovfs: readonly OvfFile[],
): Promise<OvirtFile[][]> {
  const disksOfPoint = new Map<string, Set<string>>();
  for (const { pointId, disk } of backups)
    disksOfPoint.set(pointId, (disksOfPoint.get(pointId) ?? new Set()).add(disk));
  let sets: readonly ReadonlySet<string>[] = [];
  for (const [pointId, disks] of disksOfPoint)
    if (!isRunTime(pointId)) sets = connected(sets, disks);
    else for (const disk of disks) sets = connected(sets, new Set([disk]));
  let described: DiskSet[] = sets.map((disks) => ({ disks, owners: new Set() }));
  // One set needs no OVF file, which might be one that cannot be read.
  if (sets.length > 1) {
    const named: { readonly machine: string; readonly ids: ReadonlySet<string> }[] = [];
    for (const { entry, machine } of ovfs)
      named.push({ machine: machine.id, ids: new Set(await idsIn(facts, entry)) });
    for (const { ids } of named) sets = connectedBy(sets, ids);
    described = sets.map((disks) => ({
      disks,
      owners: new Set(named.flatMap(({ machine, ids }) => (shares(ids, disks) ? [machine] : []))),
    }));
  }
  return joinedByTime(described, disksOfPoint).map((set) =>
    backups.filter(({ disk }) => set.has(disk)),
  );
}

/** With one set more, and all that share a disk with it made one. */
function connected(
  sets: readonly ReadonlySet<string>[],
  disks: ReadonlySet<string>,
): ReadonlySet<string>[] {
  const joined = sets.filter((set) => shares(set, disks));
  const apart = sets.filter((set) => !joined.includes(set));
  return [...apart, new Set([...joined.flatMap((set) => [...set]), ...disks])];
}

/** Those that hold one of these ids made one. */
function connectedBy(
  sets: readonly ReadonlySet<string>[],
  ids: ReadonlySet<string>,
): readonly ReadonlySet<string>[] {
  const own = sets.filter((set) => shares(ids, set));
  return own.length < 2 ? sets : connected(sets, new Set(own.flatMap((set) => [...set])));
}

function shares(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  return [...one].some((id) => other.has(id));
}

/** OVF files that describe the machine with these backups, the last changed last. A document names its disks by their ids. */
async function ovfsOf(
  facts: FolderFacts,
  members: readonly OvirtFile[],
  ovfs: readonly OvfFile[],
  isAlone: boolean,
): Promise<OvfFile[]> {
  const isOnly = isAlone && new Set(ovfs.map(({ machine }) => machine.id)).size === 1;
  const disks = new Set(members.map(({ disk }) => disk));
  const own: OvfFile[] = [];
  for (const ovf of ovfs) {
    if (isOnly || (await namesDisk(facts, ovf.entry, disks))) own.push(ovf);
  }
  const age = ({ entry }: OvfFile): bigint => BigInt(entry.stamp.modifiedAtNs);
  return own.sort((a, b) => (age(a) < age(b) ? -1 : 1));
}

async function namesDisk(
  facts: FolderFacts,
  entry: RepositoryEntry,
  disks: ReadonlySet<string>,
): Promise<boolean> {
  return (await idsIn(facts, entry)).some((id) => disks.has(id));
}

async function idsIn(facts: FolderFacts, entry: RepositoryEntry): Promise<readonly string[]> {
  const ids = await facts.fact(entry, 'ids', async () => {
    const text = await readText(facts.repository, entry.path);
    return 'fault' in text ? text : { value: [...new Set(text.value.toLowerCase().match(UUIDS))] };
  });
  return 'value' in ids ? ids.value : [];
}
