import type { SourceDisk } from '../../domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFiles,
  FolderNames,
  ClaimedWorkload,
} from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import { parseBackupName, parseOvfName, type OvirtFile } from './names.js';
import { groupByMachine, type OvirtMachine } from './machines.js';
import { pointEvidence } from '../point-evidence.js';
import { broken, type Finding, type PointFault } from '../point-fault.js';
import { readImageHead } from '../images/image-head.js';
import { loneIds } from '../images/single-file.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';

const FORMAT = 'qcow2';

/** Backups of oVirt, OLVM and RHV as the SDK's `backup_vm.py` leaves them: a flat folder, anywhere in the repository, of files
 *  `<time>.<checkpoint>.<disk>.<full|incremental>.qcow2`; of earlier releases `<disk>.<minute>.<full|incremental>.qcow2`, runs without checkpoints.
 *
 *  A restore point is made of the files that share a checkpoint id; that id is its own. Files of a run without checkpoints (`None`) are
 *  fulls and belong together by their time (id `None-<time>`), as far as they are of one machine. An incremental run may hold fulls of single disks. The parent of an increment is the
 *  file in the same folder that its backing name names exactly; a backing name of any other form is refused and never opened.
 *  The time is the local time of the machine that ran the script, without a zone: it is taken for UTC.
 *  The tool leaves no mark when it has finished: a file is judged by its structure, and a point is taken once nothing in it has changed for a
 *  while (`settlePoints`).
 *  Which machine the files belong to: see `groupByMachine`.
 *  Source: oVirt/python-ovirt-engine-sdk4 examples/backup_vm.py, vm_backup.py. */
export const ovirtLayout: BackupLayout = {
  name: 'ovirt',
  restoredWith: '`upload_disk.py`, or `qemu-img convert -O raw`',
  type: { id: 'olvm-rhv', title: 'OLVM, RHV and oVirt', rules: ALL_ALLOWED },
  claim,
  mayBeNobodys: (within) => parseOvfName(within) !== null,
  scan,
};

/** An OVF file belongs to the backups beside it: alone it may be of any tool. */
function claim({ files }: FolderNames): Claim | null {
  const backups = files.filter((name) => parseBackupName(name) !== null);
  if (backups.length === 0) return null;
  return { files: [...backups, ...files.filter((name) => parseOvfName(name) !== null)] };
}

async function scan(facts: FolderFacts, folder: ClaimedFiles): Promise<ClaimedWorkload[]> {
  const files = folder.files.flatMap((entry) => {
    const parts = parseBackupName(entry.name);
    return parts === null ? [] : [{ ...parts, entry }];
  });
  const names = new Set(files.map(({ entry }) => entry.name.toLowerCase()));
  const workloads: ClaimedWorkload[] = [];
  for (const machine of await groupByMachine(facts, folder, files)) {
    const drafts: DraftPoint[] = [];
    for (const [pointId, pointFiles] of groupByPoint(machine.files))
      drafts.push(await draftPoint(facts, machine, pointId, pointFiles, names));
    const { id, name } = machine;
    const otherIds = [...machine.otherIds, ...formerIds(folder.folder, machine.files)];
    workloads.push({ id, otherIds, name, restorePoints: settleChains(drafts) });
  }
  return workloads;
}

/** Of files in capitals, which were disk images that lay alone. */
function formerIds(folder: string, files: readonly OvirtFile[]): string[] {
  const changed = files.filter(({ entry: { name } }) => /[A-Z]/.test(name.replace('.None.', '')));
  return changed.flatMap(({ entry: { name } }) => loneIds('disk', folder, name));
}

function groupByPoint(files: readonly OvirtFile[]): Map<string, OvirtFile[]> {
  const points = new Map<string, OvirtFile[]>();
  for (const file of files) points.set(file.pointId, [...(points.get(file.pointId) ?? []), file]);
  return points;
}

async function draftPoint(
  facts: FolderFacts,
  machine: OvirtMachine,
  id: string,
  files: readonly OvirtFile[],
  namesInFolder: ReadonlySet<string>,
): Promise<DraftPoint> {
  const disks = new Map<string, SourceDisk>();
  const faults: PointFault[] = [];
  for (const file of files) {
    if (disks.has(file.disk)) faults.push(broken(`disk ${file.disk} has two files`).fault);
    const link = await readParentLink(facts, file);
    if ('fault' in link) {
      faults.push(link.fault);
      continue;
    }
    const { name, pointId } = link.value ?? { name: null, pointId: null };
    if (name !== null && !namesInFolder.has(name.toLowerCase()))
      faults.push(broken(`${name}, the parent of ${file.entry.path}, is missing`).fault);
    const { disk, kind, entry } = file;
    const { path, stamp } = entry;
    disks.set(disk, { disk, path, format: FORMAT, kind, parentRestorePointId: pointId, stamp });
  }
  const parents = new Set(
    [...disks.values()].flatMap(({ parentRestorePointId }) => parentRestorePointId ?? []),
  );
  if (parents.size > 1)
    faults.push(broken(`its disks build on different points: ${[...parents].join(', ')}`).fault);
  return {
    id,
    workloadId: machine.id,
    createdAtMs: Math.min(...files.map(({ createdAtMs }) => createdAtMs)),
    kind: files.every(({ kind }) => kind === 'full') ? 'full' : 'increment',
    parentId: [...parents][0] ?? null,
    disks: [...disks.values()].sort((a, b) => (a.disk < b.disk ? -1 : 1)),
    companions: machine.companions.map(({ path }) => ({ path })),
    faults,
    evidence: pointEvidence(
      files.map(({ entry }) => entry),
      'silent',
    ),
  };
}

/** Name of the parent file in the same folder, and the restore point it belongs to; null for a full. */
async function readParentLink(
  facts: FolderFacts,
  { entry, pointId, disk, kind }: OvirtFile,
): Promise<Finding<{ readonly name: string; readonly pointId: string } | null>> {
  const head = await readImageHead(facts, entry, FORMAT);
  if ('fault' in head) return head;
  const name = head.value.parent?.name ?? null;
  const quoted = `the parent link ${JSON.stringify(name)}`;
  if (kind === 'full')
    return name === null
      ? { value: null }
      : broken(`${entry.path} is named a full, but has ${quoted}`);
  if (name === null)
    return broken(`${entry.path} is named an increment, but has no parent link: its chain is lost`);
  const parent = parseBackupName(name);
  if (parent?.disk !== disk || parent.pointId === pointId)
    return broken(
      `${entry.path} has ${quoted}, which is no backup of the same disk at another checkpoint`,
    );
  return { value: { name, pointId: parent.pointId } };
}
