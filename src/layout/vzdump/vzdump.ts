import type { SourceDisk } from '../../domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import {
  claimFiles,
  type BackupLayout,
  type ClaimedFile,
  type ClaimedFiles,
  type FolderNames,
  type ClaimedWorkload,
} from '../backup-layout.js';
import { datedPlace } from '../names/dated-folders.js';
import type { FolderFacts } from '../file-facts.js';
import { readImageHead } from '../images/image-head.js';
import { pointEvidence } from '../point-evidence.js';
import { broken, incomplete, type PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { parseVzdumpName, type VzdumpName } from './vzdump-names.js';
import { folderWorkloadId } from '../names/workload-id.js';
import { readLog } from './vzdump-log.js';

/** Backups of Proxmox VE by vzdump: a flat folder, most often `dump/`, of archives `vzdump-<qemu|lxc|openvz>-<vmid>-<time>.<ending>`, each a full
 *  of one machine or container with its definition, and what lies beside it: `.log`, `.notes`, `.protected`.
 *
 *  A workload is a number of a machine in one folder, or in several that differ in a date alone: nodes that know nothing of each other give the same numbers. It is called what its newest
 *  archive or log calls it. A restore point is an archive, id its time; its one disk is the archive itself.
 *  What it leaves out of an archive, disks and mount points without `backup=1`, its log says (`vzdump-log.ts`).
 *  The tool gives an archive its name when it is finished (until then it ends in `.dat`), and writes its log last. An archive that was cut off
 *  afterwards is told by its format.
 *  Source: proxmox/pve-manager PVE/VZDump.pm, proxmox/pve-storage src/PVE/Storage/Plugin.pm. */
export const vzdumpLayout: BackupLayout = {
  name: 'vzdump',
  restoredWith: '`qmrestore vzdump-qemu-100-….vma.zst 100`, `pct restore`',
  type: { id: 'proxmox-ve', title: 'Proxmox VE', rules: ALL_ALLOWED },
  claim: (names: FolderNames) => claimFiles(names, (name) => parseVzdumpName(name) !== null),
  isNamedAlike: true,
  scan,
};

const DISK = 'archive';

interface VzdumpFile extends VzdumpName {
  readonly entry: ClaimedFile;
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const machines = new Map<string, VzdumpFile[]>();
  for (const entry of files) {
    const name = parseVzdumpName(entry.name);
    if (name === null) continue;
    const key = `proxmox-${name.machine}-${name.vmid}`;
    machines.set(key, [...(machines.get(key) ?? []), { ...name, entry }]);
  }
  const workloads: ClaimedWorkload[] = [];
  for (const [key, own] of machines) {
    const workload = await machineOf(facts, folderWorkloadId(key, datedPlace(folder).place), own);
    if (workload !== null) workloads.push(workload);
  }
  return workloads;
}

/** null: only logs are left of it. */
async function machineOf(
  facts: FolderFacts,
  id: string,
  files: readonly VzdumpFile[],
): Promise<ClaimedWorkload | null> {
  const bases = [...new Set(files.map(({ base }) => base))].sort();
  const drafts: DraftPoint[] = [];
  let name: string | null = null;
  for (const base of bases) {
    const own = files.filter((file) => file.base === base);
    if (!own.some(({ role }) => role === 'archive' || role === 'unfinished')) continue;
    const { draft, machineName } = await readPoint(facts, id, own);
    drafts.push(draft);
    name = machineName ?? name;
  }
  if (drafts.length === 0) return null;
  const { machine, vmid } = files[0]!;
  const number = `${machine === 'qemu' ? 'VM' : 'CT'} ${vmid}`;
  return {
    id,
    name: name === null ? number : `${name} (${number})`,
    restorePoints: settleChains(drafts),
  };
}

async function readPoint(
  facts: FolderFacts,
  workloadId: string,
  files: readonly VzdumpFile[],
): Promise<{ draft: DraftPoint; machineName: string | null }> {
  const { base, createdAtMs, vmid, machine } = files[0]!;
  const archives = files.filter(({ role }) => role === 'archive');
  const faults: PointFault[] = [];
  const unfinished = files.find(({ role }) => role === 'unfinished');
  if (unfinished !== undefined)
    faults.push(incomplete(`${unfinished.entry.path} is still being written`).fault);
  if (archives.length > 1)
    faults.push(broken(`there are two archives of this time: ${archives[1]!.entry.path}`).fault);
  const archive = archives[0];
  let name: string | null = null;
  if (archive !== undefined) {
    const head = await readImageHead(facts, archive.entry, archive.format);
    if ('fault' in head) faults.push(head.fault);
    else if (typeof head.value.dialect.machineName === 'string')
      name = head.value.dialect.machineName;
  }
  const log = files.find(({ role }) => role === 'log')?.entry;
  const told = log === undefined ? null : await readLog(facts, log);
  const companions = files.filter(({ role }) => role !== 'archive' && role !== 'unfinished');
  const written = files.filter(({ role }) => role === 'archive' || role === 'unfinished');
  const draft: DraftPoint = {
    id: base.slice(`vzdump-${machine}-${vmid}-`.length),
    workloadId,
    createdAtMs,
    kind: 'full',
    parentId: null,
    disks: archive === undefined ? [] : [diskOf(archive)],
    companions: companions.map(({ entry: { path, name: as } }) => ({ path, as })),
    faults,
    evidence: pointEvidence(
      written.map(({ entry }) => entry),
      log ?? 'silent',
    ),
    ...(told === null || told.leftOut === null ? {} : { leftOut: told.leftOut }),
  };
  return { draft, machineName: name ?? told?.machineName ?? null };
}

function diskOf({ entry, format }: VzdumpFile): SourceDisk {
  const { path, name, stamp } = entry;
  return { disk: DISK, path, format, kind: 'full', parentRestorePointId: null, stamp, as: name };
}
