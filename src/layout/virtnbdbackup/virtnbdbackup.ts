import type { SourceCompanion, SourceDisk } from '../../domain/sources/source-workload.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  FolderNames,
  ClaimedWorkload,
} from '../backup-layout.js';
import type { FolderFacts } from '../file-facts.js';
import {
  readCheckpoint,
  firstDomain,
  readDomain,
  type LibvirtCheckpoint,
  type LibvirtDomain,
} from '../libvirt/libvirt-checkpoint.js';
import { pointEvidence } from '../point-evidence.js';
import { broken, incomplete, type PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { bootFiles } from './boot-files.js';
import {
  CHECKPOINT_FOLDER,
  COPY_DEFINITION,
  checkpointFile,
  diskOfFacts,
  isOfTool,
  mayBeBootFile,
  parseStreamName,
  runOfCompanion,
} from './names.js';
import { companionsOf } from './companions.js';
import { readChecksum } from './checksum.js';
import { groupByRun, type StreamRun } from './runs.js';
import { definedDisks, type DefinedDisk } from '../libvirt/defined-disks.js';
import { readStreamDisk, type StreamDisk } from './disks.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

/** Backups of virtnbdbackup: a folder for each chain, anywhere in the repository, with `<disk>.full.data`, then `<disk>.inc.<checkpoint>.data`, and what
 *  it writes beside them.
 *
 *  A restore point is one run of the tool: all disks with the same checkpoint. A `diff` is a point that nothing builds on. Its id is
 *  `<checkpoint>-<creationTime>` (`copy-…`, `diff-…`, `inc-…` where a run makes no checkpoint), because the checkpoints of every chain have the same
 *  names. It is dated by the checkpoint's own time (`checkpoints/<checkpoint>.xml`); without one by the date in the stream, which is local time without
 *  a zone and taken for UTC. An increment of a machine that is off makes none, and is named after that of its parent. The parent is the checkpoint that the stream names, in the same folder.
 *  The machine definition is written when all disks are done: it closes a run, and one without a checkpoint is not whole before. Until then a disk is
 *  named `.partial`, which is passed over.
 *  A workload is a domain, known by its UUID; its folder names it where no XML shows one.
 *  Where the tool has noted the checksum of a stream (`.chksum`), that is compared before it is copied.
 *  `virtnbdrestore` takes the files of a disk in the order of their times; a restored point has one file for each disk, so none can be wrong.
 *  Source: abbbi/virtnbdbackup 1.9.15 (virtnbdbackup, virtnbdrestore); run on a live machine (test/fixtures/virtnbdbackup). */
export const virtnbdbackupLayout: BackupLayout = {
  name: 'virtnbdbackup',
  restoredWith: '`virtnbdrestore -i restored -o machine`',
  type: { id: 'linux-agent', title: 'Linux and KVM with virtnbdbackup', rules: ALL_ALLOWED },
  claim,
  isOwn: (within) => OWN_CHECKPOINT.test(within),
  mayBeNobodys: (within) => runOfCompanion(within) !== null || mayBeBootFile(within),
  scan,
};

const OWN_CHECKPOINT = /^checkpoints\/virtnbdbackup\.\d+\.xml$/;

/** Companions alone may be of any tool. */
function claim({ files, folders }: FolderNames): Claim | null {
  if (!files.some((name) => parseStreamName(name) !== null)) return null;
  const hasCopy = files.includes(COPY_DEFINITION);
  return {
    files: files.filter((name) => isOfTool(name) || (hasCopy && mayBeBootFile(name))),
    folders: folders.filter((name) => name === CHECKPOINT_FOLDER),
  };
}

interface ReadRun extends StreamRun {
  readonly id: string;
  readonly createdAtMs: number;
  readonly known: LibvirtCheckpoint | null;
  readonly domain: LibvirtDomain | null;
  /** Without those that cannot be used. */
  readonly disks: readonly StreamDisk[];
  readonly faults: readonly PointFault[];
  /** Names of the files that its definition starts the machine from, where they do not say whose they are. */
  readonly bootFiles: readonly string[];
  /** Disks of the machine that the run has not. */
  readonly leftOut: readonly DefinedDisk[];
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const runs: ReadRun[] = [];
  for (const run of groupByRun(files)) runs.push(await readRun(facts, run, files));
  const newest = [...runs].sort((a, b) => b.createdAtMs - a.createdAtMs);
  const domain = firstDomain(newest);
  const id = domain ? `virtnbdbackup-${domain.uuid}` : folderWorkloadId('virtnbdbackup', folder);
  const companions = companionsOf(files, runs);
  const drafts = runs.map((run) => draftPoint(run, id, runs, companions.get(run.id) ?? []));
  const name = domain?.name ?? folderName('virtnbdbackup', folder);
  return [{ id, name, restorePoints: settleChains(drafts) }];
}

async function readRun(
  facts: FolderFacts,
  run: StreamRun,
  files: readonly ClaimedFile[],
): Promise<ReadRun> {
  const faults: PointFault[] = [];
  const document = run.checkpoint === null ? null : checkpointFile(files, run.checkpoint);
  const checkpoint =
    document === null ? null : await readCheckpoint(facts, document, run.checkpoint ?? '');
  if (checkpoint !== null && 'fault' in checkpoint) faults.push(checkpoint.fault);
  const known = checkpoint !== null && 'value' in checkpoint ? checkpoint.value : null;
  const disks: StreamDisk[] = [];
  for (const stream of run.streams) {
    const { disk } = stream;
    if (run.streams.some((other) => other !== stream && other.disk === disk))
      faults.push(broken(`disk ${disk} has two files`).fault);
    const noted = files.find(({ within }) => diskOfFacts(within, run.idents) === disk) ?? null;
    const found = await readStreamDisk(facts, stream, run.definition, noted);
    const isRaw = 'value' in found && found.value.file.format === 'raw';
    const sum = isRaw ? { value: null } : await readChecksum(facts, stream, files);
    if ('fault' in sum) faults.push(sum.fault);
    if ('fault' in found) faults.push(found.fault);
    else disks.push('fault' in sum ? found.value : withSum(found.value, sum.value));
  }
  const isOffline = makesNoCheckpoint(run, disks);
  faults.push(...lackingDisks(run, known, files, isOffline));
  const own = isOffline ? null : known;
  const createdAtMs = own?.createdAtMs ?? dateOf(run, disks);
  const definition = run.definition === null ? null : await readDomain(facts, run.definition);
  faults.push(...(definition?.faults ?? []));
  return {
    ...run,
    id: `${isOffline ? run.level : (run.checkpoint ?? run.level)}-${Math.floor(createdAtMs / 1000)}`,
    createdAtMs,
    known,
    domain: known?.domain ?? definition?.domain ?? null,
    disks,
    faults,
    bootFiles: run.level === 'copy' ? await bootFiles(facts, run.definition) : [],
    leftOut: (await definedDisks(facts, run.definition)).filter((defined) =>
      run.streams.every(({ disk }) => disk !== defined.disk),
    ),
  };
}

/** An increment of a machine that was off is the delta since the checkpoint that it is named after. */
function makesNoCheckpoint(
  { level, checkpoint }: StreamRun,
  disks: readonly StreamDisk[],
): boolean {
  return level === 'inc' && disks.some(({ parentCheckpoint }) => parentCheckpoint === checkpoint);
}

/** Disks that the run must have and has not: those of its checkpoint, without one those whose facts the tool has noted. It saves disks side by side, so one may be
 *  there of a run in which another failed; releases differ in whether they write the definition then. */
function lackingDisks(
  { checkpoint, definition, idents, level, streams }: StreamRun,
  known: LibvirtCheckpoint | null,
  files: readonly ClaimedFile[],
  isOffline: boolean,
): PointFault[] {
  // Nothing else tells what belongs to a run without a checkpoint.
  if (definition === null && known === null) {
    const name = checkpoint ?? (level === 'copy' ? level : '<second>');
    return [incomplete(`its machine definition (vmconfig.${name}.xml) is not there yet`).fault];
  }
  // What is named after its checkpoint may as well be of the run that made it.
  const isOpen = definition === null || isOffline;
  const noted =
    isOpen || known !== null
      ? []
      : files.flatMap(({ within }) => diskOfFacts(within, idents) ?? []);
  const lacking = new Set([...(known?.disks ?? []), ...noted]);
  for (const { disk } of streams) lacking.delete(disk);
  return [...lacking].map((disk) =>
    isOpen
      ? incomplete(`the file of disk ${disk} is not there yet`).fault
      : broken(`the file of disk ${disk} is missing`).fault,
  );
}

function withSum(disk: StreamDisk, adler32: number | null): StreamDisk {
  return adler32 === null ? disk : { ...disk, file: { ...disk.file, adler32 } };
}

/** A differential run is named by its time. Otherwise the earliest date that a stream has; until one can be read, when the newest file was written. */
function dateOf({ level, streams }: StreamRun, disks: readonly StreamDisk[]): number {
  if (level === 'diff') return Number(streams[0]!.ident) * 1000;
  const dates = disks.flatMap(({ writtenAtMs }) => writtenAtMs ?? []);
  if (dates.length > 0) return Math.min(...dates);
  return Math.max(
    ...streams.map(({ entry }) => Number(BigInt(entry.stamp.modifiedAtNs) / 1_000_000n)),
  );
}

function draftPoint(
  run: ReadRun,
  workloadId: string,
  runs: readonly ReadRun[],
  companions: readonly SourceCompanion[],
): DraftPoint {
  const faults = [...run.faults];
  const parents = new Set(run.disks.flatMap(({ parentCheckpoint }) => parentCheckpoint ?? []));
  if (parents.size > 1)
    faults.push(broken(`its disks build on different points: ${[...parents].join(', ')}`).fault);
  const [checkpoint = null] = parents;
  const parent = checkpoint === null ? undefined : parentRun(checkpoint, run, runs);
  const parentId = checkpoint === null ? null : (parent?.id ?? `${checkpoint}-?`);
  faults.push(...onRawFaults(run.disks, parent));
  const disks = run.disks.map(({ file }): SourceDisk => ({
    ...file,
    parentRestorePointId: file.kind === 'full' ? null : parentId,
  }));
  return {
    id: run.id,
    workloadId,
    createdAtMs: run.createdAtMs,
    kind: disks.every(({ kind }) => kind === 'full') ? 'full' : 'increment',
    parentId,
    disks: disks.sort((a, b) => (a.disk < b.disk ? -1 : 1)),
    companions,
    faults,
    ...(run.leftOut.length === 0 ? {} : { leftOut: leftOutText(run.leftOut) }),
    evidence: pointEvidence(
      run.streams.map(({ entry }) => entry),
      run.definition,
    ),
  };
}

/** It is told which disks to take (`-i`, `-x`), and takes none that is a device of the host. It copies raw disks into fulls and copies alone, where it is told to (`--raw`),
 *  and one that failed is as if it had not been. */
function leftOutText(disks: readonly DefinedDisk[]): string {
  const some = (isRaw: boolean, word: string): string[] => {
    const names = disks.filter((one) => one.isRaw === isRaw).map(({ disk }) => disk);
    if (names.length === 0) return [];
    return [`the ${word}${names.length === 1 ? '' : 's'} ${names.join(', ')}`];
  };
  const which = [...some(false, 'disk'), ...some(true, 'raw disk')];
  return `virtnbdbackup has left out ${which.join(' and ')}`;
}

/** An increment of a machine that was off has the checkpoint of its parent: no run is its own. Absent: none is in the folder. */
function parentRun(
  checkpoint: string,
  run: ReadRun,
  runs: readonly ReadRun[],
): ReadRun | undefined {
  return runs.find((other) => other.checkpoint === checkpoint && other !== run);
}

/** The tool begins increments on a full that it has saved raw, and restores none of them. */
function onRawFaults(disks: readonly StreamDisk[], parent: ReadRun | undefined): PointFault[] {
  const raw = new Set(
    parent?.disks.filter(({ file }) => file.format === 'raw').map(({ file }) => file.disk),
  );
  return disks
    .filter(({ file }) => file.kind === 'increment' && raw.has(file.disk))
    .map(({ file: { path, disk } }) => {
      const advice = 'make a full of another type, in a folder of its own';
      return broken(
        `${path} builds on a full of ${disk} that was saved with --type raw, of which virtnbdrestore takes no increments: ${advice}`,
      ).fault;
    });
}
