import type { TreePoint } from '../../domain/trees/source-tree.js';
import type { NamedBackup } from '../trees/backup-folders.js';
import { writtenAtMs } from '../names/named-date.js';
import {
  broken,
  faultOfError,
  gravestFault,
  incomplete,
  type Finding,
  type PointFault,
} from '../point-fault.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import { treeEvidence } from '../trees/tree-evidence.js';
import type { TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import {
  digestOfFiles,
  firstLacking,
  MAX_MANIFEST_BYTES,
  readManifestFiles,
  type WalRange,
} from './manifest-files.js';
import { parseSegment } from './wal-names.js';

/** What `backup_label` says. */
interface Label {
  readonly timeline: number | null;
  /** Position at which the backup began. */
  readonly start: string | null;
  /** Position at which the backup began that this one builds on. null: it is a full. */
  readonly from: string | null;
}

interface ManifestFacts {
  readonly isWhole: boolean;
  /** Names of the files and folders in the top of the backup that it lists. */
  readonly top: readonly string[];
  readonly digest: string;
  readonly ranges: readonly WalRange[];
}

interface JudgedBase {
  readonly folder: NamedBackup;
  readonly id: string;
  readonly atMs: number;
  readonly label: Label;
  readonly fault: PointFault | null;
  readonly gap: string | null;
}

/** Points of one workload, oldest first. */
export async function basePoints(
  reader: TreeReader,
  folders: readonly NamedBackup[],
): Promise<TreePoint[]> {
  const judged: JudgedBase[] = [];
  for (const folder of folders) judged.push(await judge(reader, folder));
  judged.sort((a, b) => a.atMs - b.atMs || byStart(a, b) || (a.id < b.id ? -1 : 1));
  const points: TreePoint[] = [];
  for (const [index, one] of judged.entries())
    points.push(pointOf(one, judged.slice(0, index), points));
  return points;
}

/** Several may be of one date: a day's full and its increments in the folder of the day. */
function byStart({ label: a }: JudgedBase, { label: b }: JudgedBase): number {
  return (a.start === null ? 0 : offsetOf(a.start)) - (b.start === null ? 0 : offsetOf(b.start));
}

async function judge(reader: TreeReader, folder: NamedBackup): Promise<JudgedBase> {
  const { name, createdAtMs, files } = folder;
  const own = new Map(files.map((file) => [withoutName(file.within, name), file]));
  const manifest = own.get('backup_manifest');
  const atMs = createdAtMs ?? writtenAtMs(manifest === undefined ? files : [manifest]);
  const base = name === '' ? 'base' : name;
  const id = createdAtMs === null ? `${base}@${new Date(atMs).toISOString().slice(0, 19)}` : name;
  const none: Label = { timeline: null, start: null, from: null };
  const labelFile = own.get('backup_label');
  try {
    const label = labelFile === undefined ? none : await readLabel(reader, labelFile);
    const found =
      manifest === undefined
        ? { fault: await faultWithoutManifest(reader, own), ranges: rangesOf(label) }
        : await judgeManifest(reader, manifest, own);
    const gap = found.fault === null ? missingLogOf(found.ranges, own, name) : null;
    return { folder, id, atMs, label, fault: found.fault, gap };
  } catch (error) {
    return { folder, id, atMs, label: none, fault: faultOfError(error).fault, gap: null };
  }
}

function withoutName(within: string, name: string): string {
  return name === '' ? within : within.slice(name.length + 1);
}

async function faultWithoutManifest(
  reader: TreeReader,
  own: ReadonlyMap<string, TreeFile>,
): Promise<PointFault | null> {
  const control = own.get('global/pg_control');
  if (control === undefined)
    return incomplete('global/pg_control, which is written last, is not there').fault;
  if (!own.has('PG_VERSION')) return incomplete('PG_VERSION is not there').fault;
  const tablespaces = control.path.replace(/global\/pg_control$/, 'pg_tblspc');
  const link = (await reader.leftOut(tablespaces)).find((name) => /^\d+$/.test(name));
  return link === undefined ? null : tablespaceFault(link);
}

/** Nothing tells where it ended. */
function rangesOf({ timeline, start }: Label): WalRange[] {
  return timeline === null || start === null ? [] : [{ timeline, from: start, to: start }];
}

function tablespaceFault(number: string): PointFault {
  return broken(
    `tablespace ${number} does not lie in the backup: what pg_tblspc/${number} leads to is not followed`,
  ).fault;
}

async function judgeManifest(
  reader: TreeReader,
  manifest: TreeFile,
  own: ReadonlyMap<string, TreeFile>,
): Promise<{ readonly fault: PointFault | null; readonly ranges: readonly WalRange[] }> {
  const { path } = manifest;
  if (manifest.stamp.sizeBytes > MAX_MANIFEST_BYTES)
    return { fault: broken(`${path} is larger than any manifest that is read`).fault, ranges: [] };
  const found = await manifestFacts(reader, manifest);
  if ('fault' in found) return { fault: found.fault, ranges: [] };
  const { isWhole, digest, ranges } = found.value;
  if (!isWhole)
    return { fault: incomplete(`${path} does not end with its own digest`).fault, ranges };
  const sizes = new Map([...own].map(([file, { stamp }]) => [file, stamp.sizeBytes]));
  if (digestOfFiles(sizes) === digest) return { fault: null, ranges };
  const { files } = await reader.look(path, readManifestFiles);
  const lacking = firstLacking(files, sizes);
  return { fault: lacking === null ? null : lackingFault(lacking, sizes.has(lacking)), ranges };
}

/** Asked once for both looks. */
function manifestFacts(
  reader: TreeReader,
  manifest: RepositoryEntry,
): Promise<Finding<ManifestFacts>> {
  return reader.factOf<ManifestFacts>(manifest, 'files and top of a manifest', async (source) => {
    const { isWhole, files, ranges } = await readManifestFiles(source);
    const top = [...new Set([...files.keys()].flatMap((path) => path.split('/', 1)))];
    return { isWhole, top, digest: digestOfFiles(files), ranges };
  });
}

/** Names in the top of a backup that its manifest lists; none, where that does not tell. */
export async function listedInTop(
  reader: TreeReader,
  manifest: RepositoryEntry,
): Promise<ReadonlySet<string>> {
  if (manifest.stamp.sizeBytes > MAX_MANIFEST_BYTES) return new Set();
  const found = await manifestFacts(reader, manifest);
  return new Set('fault' in found ? [] : found.value.top);
}

function lackingFault(path: string, isThere: boolean): PointFault {
  const tablespace = /^pg_tblspc\/(?<number>\d+)\//.exec(path)?.groups?.number;
  if (tablespace !== undefined && !isThere) return tablespaceFault(tablespace);
  return incomplete(
    isThere
      ? `${path} does not have the size that backup_manifest says`
      : `${path}, which backup_manifest lists, is not there`,
  ).fault;
}

const LABEL_BYTES = 8192;

async function readLabel(reader: TreeReader, file: TreeFile): Promise<Label> {
  const text = new TextDecoder('latin1').decode(await reader.read(file.path, 0, LABEL_BYTES));
  const position = (pattern: RegExp): string | null => pattern.exec(text)?.groups?.position ?? null;
  const segment = /^START WAL LOCATION: \S+ \(file (?<name>[0-9A-F]{24})\)/m.exec(text)?.groups
    ?.name;
  return {
    timeline: parseSegment(segment ?? '')?.timeline ?? null,
    start: position(/^START WAL LOCATION: (?<position>[0-9A-F]+\/[0-9A-F]+)/m),
    from: position(/^INCREMENTAL FROM LSN: (?<position>[0-9A-F]+\/[0-9A-F]+)/m),
  };
}

/** The log between its beginning and its end lies in it (`-X stream`, `-X fetch`), or in an archive. null: it lies in it.
 *  The size of segments is that of the files. */
function missingLogOf(
  ranges: readonly WalRange[],
  own: ReadonlyMap<string, TreeFile>,
  name: string,
): string | null {
  const segments = [...own].flatMap(([path, { stamp }]) => {
    const segment = path.startsWith('pg_wal/') ? parseSegment(path.slice('pg_wal/'.length)) : null;
    return segment === null ? [] : [{ segment, sizeBytes: stamp.sizeBytes }];
  });
  for (const { timeline, from, to } of ranges) {
    const [low, high] = [offsetOf(from), offsetOf(to)];
    const held = segments.filter(({ segment }) => segment.timeline === timeline);
    const [size = 0] = held.map(({ sizeBytes }) => sizeBytes).sort((a, b) => b - a);
    const places = new Set(
      held.map(({ segment }) => segment.log * (2 ** 32 / size) + segment.segment),
    );
    const needed = size === 0 ? [0] : placesBetween(low, high, size);
    if (needed.some((place) => !places.has(place)))
      return `its write-ahead log from ${from} ${to === from ? 'on' : `to ${to}`} is not in ${name === '' ? 'the backup' : name}: it is restored with an archive that has it`;
  }
  return null;
}

function offsetOf(position: string): number {
  const [high = 0, low = 0] = position.split('/').map((digits) => Number.parseInt(digits, 16));
  return high * 2 ** 32 + low;
}

function placesBetween(from: number, to: number, size: number): number[] {
  const first = Math.floor(from / size);
  const last = Math.floor(Math.max(from, to - 1) / size);
  return Array.from({ length: Math.min(last - first + 1, MOST_SEGMENTS) }, (_, at) => first + at);
}

/** Of one backup. */
const MOST_SEGMENTS = 1_000_000;

/** @param older those before it
 *  @param before their points: what is wrong with the one that it builds on is wrong with it */
function pointOf(
  one: JudgedBase,
  older: readonly JudgedBase[],
  before: readonly TreePoint[],
): TreePoint {
  const { folder, id, atMs, label, gap } = one;
  const { files } = folder;
  const manifest = files.find(
    ({ within }) => withoutName(within, folder.name) === 'backup_manifest',
  );
  const base =
    label.from === null ? null : older.findLast((other) => other.label.start === label.from);
  const of = base ? before.find((point) => point.id === base.id) : undefined;
  const inherited: PointFault | null =
    of === undefined || of.state === 'complete' || of.state === 'inProgress'
      ? null
      : { state: of.state, reason: `it builds on ${of.id}: ${of.reason ?? ''}` };
  const fault = gravestFault([one.fault, inherited].filter((each) => each !== null));
  const gaps = [
    ...(gap === null ? [] : [gap]),
    ...(base === undefined
      ? [`the backup that it builds on (position ${label.from}) is not here`]
      : []),
  ];
  return {
    ...{ id, createdAtMs: atMs, kind: label.from === null ? 'full' : 'increment' },
    needs: base ? [base.id] : [],
    ...{ state: fault?.state ?? 'complete', reason: fault?.reason ?? null },
    files: files.map(({ within }) => within),
    sizeBytes: files.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0),
    ...(gaps.length === 0 ? {} : { gap: gaps.join('; ') }),
    evidence: treeEvidence(files, one.fault === null ? (manifest ?? 'silent') : null),
  };
}
