import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { ClaimedFiles } from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { parseOvfName, UUIDS, type OvirtFile } from './names.js';
import { folderName, folderWorkloadId } from '../workload-id.js';
import { readText } from '../xml-file.js';

/** The backup files of one virtual machine in one folder. */
export interface OvirtMachine {
  /** Workload id. */
  readonly id: string;
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

/** The machines of one flat folder. File names hold no machine id, so disks that appear in one restore point belong to one machine.
 *  - An OVF file names the machine that it describes, by its disks (`ovirt-<vm id>`).
 *  - Otherwise the only machine of a folder goes by the folder, and one of several by the folder and the first disk of its
 *    oldest point: nothing that a new increment changes. Putting a second machine into a folder without OVF files changes the id of the first.
 *  @throws what the repository throws when an OVF file cannot be read: without it the id would change */
export async function groupByMachine(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
  backups: readonly OvirtFile[],
): Promise<OvirtMachine[]> {
  const machines = filesByMachine(backups);
  const ovfs: OvfFile[] = files.flatMap((entry) => {
    const machine = parseOvfName(entry.name);
    return machine === null ? [] : [{ entry, machine }];
  });
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
    found.push({
      id: named === undefined ? byFolder.id : `ovirt-${named.id}`,
      name: named?.name ?? byFolder.name,
      files: members,
      companions: own.map(({ entry }) => entry),
    });
  }
  return found;
}

/** Sets of disks that are connected by shared restore points, as lists of files. */
function filesByMachine(backups: readonly OvirtFile[]): OvirtFile[][] {
  const disksOfPoint = new Map<string, Set<string>>();
  for (const { pointId, disk } of backups)
    disksOfPoint.set(pointId, (disksOfPoint.get(pointId) ?? new Set()).add(disk));
  let sets: ReadonlySet<string>[] = [];
  for (const disks of disksOfPoint.values()) {
    const connected = sets.filter((set) => [...disks].some((disk) => set.has(disk)));
    const apart = sets.filter((set) => !connected.includes(set));
    sets = [...apart, new Set([...connected.flatMap((set) => [...set]), ...disks])];
  }
  return sets.map((set) => backups.filter(({ disk }) => set.has(disk)));
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
  const ids = await facts.fact(entry, 'ids', async () => {
    const text = await readText(facts.repository, entry.path);
    return 'fault' in text ? text : { value: [...new Set(text.value.match(UUIDS))] };
  });
  return 'value' in ids && ids.value.some((id) => disks.has(id));
}
