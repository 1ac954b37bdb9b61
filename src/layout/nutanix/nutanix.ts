import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import { UNDATED_ID } from '../../domain/sources/source-identity.js';
import type { FormatId } from '../../domain/sources/source-workload.js';
import {
  claimFiles,
  type BackupLayout,
  type ClaimedFile,
  type ClaimedFiles,
  type ClaimedWorkload,
} from '../backup-layout.js';
import { datedPlace, dateOfBoth, placesOf, type DatedPlace } from '../names/dated-folders.js';
import { parseDatedName, type FoundDate } from '../names/dated-name.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk, fullPoint } from '../images/full-point.js';
import { writtenAtMs } from '../names/named-date.js';
import { broken, type PointFault } from '../point-fault.js';
import { settleChains, type DraftPoint } from '../images/settle-chains.js';
import { placeBesideRuns } from '../walk/sibling-runs.js';
import { loneIds } from '../images/single-file.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderWorkloadId } from '../names/workload-id.js';

/** Disks of Nutanix AHV as scripts copy them from `/<container>/.acropolis/vmdisk/<uuid>`: `<machine>-<uuid>-<date>`, raw without an ending or with
 *  `.raw`, or `.qcow2`. Each run is a full.
 *
 *  A workload is a machine's name in one folder, or in several that differ in a date alone: nothing else tells one from another. A date of the folder
 *  (`dated-folders.ts`) does for one in the name of a disk without an ending. A restore point is made of the disks with one date, id that
 *  date. A disk has no name but its uuid, or the place that AHV gives it: `web01-scsi.0.qcow2`, with a date before or behind that, or none: then all that has none is one point. Nothing tells that a file is whole: a point is taken once nothing in it has changed for a while.
 *  Source: export scripts that are published for AHV; no real files could be had (docs/COMPATIBILITY.md). */
export const nutanixLayout: BackupLayout = {
  name: 'nutanix',
  restoredWith: '`acli image.create web01 image_type=kDiskImage container=default source_url=…`',
  type: {
    id: 'nutanix-ahv',
    title: 'Nutanix AHV',
    rules: { ...ALL_ALLOWED, wholeSourceOnly: true },
  },
  makesFullsOnly: true,
  claim: (names) => claimFiles(names, (name) => parseName(name, datedPlace(names.folder)) !== null),
  scan,
};

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
/** As OpenStack calls disks: `volume-<uuid>`, and that with `.snapshot-<uuid>`. */
const OF_OTHERS = /(?:^|\.)(?:volume|snapshot|backup)$/;
const NAME = new RegExp(
  `^(?<machine>.+)-(?<disk>${UUID})(?:-(?<date>[^.]+))?(?:\\.(?<ending>raw|qcow2))?$`,
  'i',
);
const NAME_AS_WRITTEN = new RegExp(NAME.source);

/** As AHV calls the places of disks (`acli vm.disk_list`): with a dot, as no other tool does. */
const PLACED =
  /^(?<machine>.+)[-_](?<disk>(?:scsi|sata|ide|pci)\.\d{1,3})(?:[-_](?<date>[^.]+))?\.(?<ending>raw|qcow2)$/i;

interface NutanixName {
  readonly machine: string;
  readonly disk: string;
  /** Its own; null: it has none. */
  readonly named: FoundDate | null;
  readonly format: FormatId;
  /** Of the id of the workload that it was when such names were not known; null: they always were. */
  readonly lonePrefix: 'raw' | 'disk' | null;
}

interface NutanixFile extends NutanixName {
  readonly entry: ClaimedFile;
}

/** null: it is none. */
function parseName(name: string, place: DatedPlace): NutanixName | null {
  return parseUuidName(name, place) ?? parsePlacedName(name);
}

/** null: it is none, or neither it nor a folder that it lies in has a date. */
function parseUuidName(name: string, place: DatedPlace): NutanixName | null {
  const parts = NAME.exec(name)?.groups;
  if (parts === undefined) return null;
  const named = parts.date === undefined ? null : parseDatedName(parts.date);
  if (parts.date !== undefined && named?.stem !== '') return null;
  const { machine = '', disk = '', ending } = parts;
  // All of such a name is in capitals where a medium shows all names so; `Backup-<uuid>` is of a machine with that name.
  const written = /[a-z]/.test(name) ? machine : machine.toLowerCase();
  if (named === null && (ending !== undefined || OF_OTHERS.test(written))) return null;
  if (dateOfBoth(named, place) === null) return null;
  const wasKnown = ending === undefined || NAME_AS_WRITTEN.test(name);
  return {
    ...{ machine, disk: disk.toLowerCase(), named, format: formatOf(ending) },
    lonePrefix: wasKnown ? null : lonePrefixOf(ending),
  };
}

/** null: it is none. */
function parsePlacedName(name: string): NutanixName | null {
  const parts = PLACED.exec(name)?.groups;
  if (parts === undefined) return null;
  const { machine: before = '', disk = '', date, ending } = parts;
  const behind = date === undefined ? null : parseDatedName(date);
  if (date !== undefined && behind?.stem !== '') return null;
  const inName = behind ?? parseDatedName(before);
  const machine = behind === null && inName !== null ? inName.stem : before;
  if (machine === '') return null;
  return {
    ...{ machine, disk: disk.toLowerCase(), named: inName, format: formatOf(ending) },
    lonePrefix: lonePrefixOf(ending),
  };
}

function lonePrefixOf(ending: string | undefined): 'raw' | 'disk' {
  return formatOf(ending) === 'raw' ? 'raw' : 'disk';
}

function formatOf(ending: string | undefined): FormatId {
  return ending?.toLowerCase() === 'qcow2' ? 'qcow2' : 'raw';
}

async function scan(
  facts: FolderFacts,
  { folder, files }: ClaimedFiles,
): Promise<ClaimedWorkload[]> {
  const machines = new Map<string, NutanixFile[]>();
  const dated = datedPlace(folder);
  for (const entry of files) {
    const parts = parseName(entry.name, dated);
    if (parts === null) continue;
    machines.set(parts.machine, [...(machines.get(parts.machine) ?? []), { ...parts, entry }]);
  }
  const workloads: ClaimedWorkload[] = [];
  for (const [machine, all] of machines) {
    // All without a date go together: a machine that is at work may write to some of its disks alone.
    const undated = all.filter(({ named }) => named === null);
    const { place, isDoubtful } = await placeBesideRuns(
      facts.siblings,
      { folder, names: undated.map(({ entry }) => entry.name) },
      dated,
      writtenOf(undated),
    );
    const apart = place === dated ? [] : undated;
    const ofRuns = all.filter((file) => !apart.includes(file));
    const others = isDoubtful ? placesOf(folder).map((one) => machineId(one, machine)) : [];
    if (apart.length > 0) workloads.push(await workloadOf(facts, place, apart, others));
    if (ofRuns.length > 0) workloads.push(await workloadOf(facts, dated, ofRuns, others));
  }
  return workloads;
}

function machineId(place: string, machine: string): string {
  return `${folderWorkloadId('nutanix', place)}:${encodeURIComponent(machine)}`;
}

/** @param files of one machine
 *  @param ids that it may have had */
async function workloadOf(
  facts: FolderFacts,
  place: DatedPlace,
  files: readonly NutanixFile[],
  ids: readonly string[],
): Promise<ClaimedWorkload> {
  const name = files[0]!.machine;
  const id = machineId(place.place, name);
  const runs = new Map<string, NutanixFile[]>();
  for (const file of files) {
    const date = dateOfBoth(file.named, place)?.date ?? UNDATED_ID;
    runs.set(date, [...(runs.get(date) ?? []), file]);
  }
  const drafts: DraftPoint[] = [];
  for (const [date, run] of runs) {
    const createdAtMs = dateOfBoth(run[0]!.named, place)?.createdAtMs ?? writtenOf(run);
    drafts.push(await draftPoint(facts, { id: date, workloadId: id, createdAtMs }, run));
  }
  const lone = files.flatMap(({ lonePrefix, entry: { path, name: own } }) =>
    lonePrefix === null ? [] : loneIds(lonePrefix, path.slice(0, -own.length - 1), own),
  );
  const others = [...new Set([...ids, ...lone])].filter((one) => one !== id);
  const otherIds = others.length === 0 ? {} : { otherIds: others };
  return { id, ...otherIds, name, restorePoints: settleChains(drafts) };
}

function writtenOf(files: readonly NutanixFile[]): number {
  return writtenAtMs(files.map(({ entry }) => entry));
}

async function draftPoint(
  facts: FolderFacts,
  of: Pick<DraftPoint, 'id' | 'workloadId' | 'createdAtMs'>,
  run: readonly NutanixFile[],
): Promise<DraftPoint> {
  const faults: PointFault[] = [];
  const disks = new Map<string, NutanixFile>();
  for (const file of run) {
    if (disks.has(file.disk)) faults.push(broken(`disk ${file.disk} has two files`).fault);
    const fault = await wholeImageFault(facts, file.entry, file.format);
    if (fault === null) disks.set(file.disk, file);
    else faults.push(fault);
  }
  return fullPoint({
    ...of,
    disks: [...disks.values()].map(({ disk, format, entry }) => fullDisk(disk, format, entry)),
    ...{ companions: [], faults },
    ...{ files: run.map(({ entry }) => entry), closingRecord: 'silent' },
  });
}
