import { createHash } from 'node:crypto';
import type { FormatId, SourceDisk } from '../../domain/sources/restore-point.js';
import { parseManifest } from '../../domain/sources/ovf-manifest.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  FolderNames,
  FoundWorkload,
} from '../backup-layout.js';
import { datedPlace, dateOfBoth } from '../dated-folders.js';
import { parseDatedName } from '../dated-name.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk, fullPoint } from '../full-point.js';
import { writtenAtMs } from '../named-date.js';
import { packageNames } from './library-names.js';
import { readOvf, type OvfDescriptor, type OvfFile } from './descriptor.js';
import { broken, faultOfError, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { settleChains } from '../settle-chains.js';
import { VSPHERE } from '../vsphere-type.js';
import { wholeImageFault } from '../whole-image.js';
import { folderWorkloadId } from '../workload-id.js';
import { readBytes, readText } from '../xml-file.js';

/** OVF packages in folders, as vCenter, Cloud Director, `ovftool` and VirtualBox export them: `<name>.ovf`, with `<name>.mf` and `<name>.cert`, and
 *  the files that it refers to.
 *
 *  Every package is a full. It is a restore point of a workload that goes by its folder and its name; where either holds a date, that is the date of
 *  the point, and packages that differ in it alone are one workload (`dated-folders.ts`). Otherwise its last change is.
 *  Items of a content library of vSphere lie there under names of their own, and are given back under those of the package (`library-names.ts`).
 *  Disks travel byte for byte (`vmdk-stream`), so that the manifest stays true; everything else of the package is a companion.
 *  It is whole when every file that descriptor and manifest name is there with its size, the descriptor is the one that the manifest holds the digest
 *  of, and each disk is whole by its structure. The digests of disks are not compared: that would read all of them at every look, and a manifest made
 *  of a disk that was cut off agrees with it.
 *  Source: DSP0243 (OVF 2.1); real packages of four products (docs/COMPATIBILITY.md). */
export const ovfLayout: BackupLayout = {
  name: 'ovf',
  type: VSPHERE,
  claim,
  // Beside several descriptors it belongs to the one that names it, and there may be none.
  mayBeNobodys: () => true,
  scan,
};

const DESCRIPTOR = /\.ovf$/i;
/** What a package holds besides, if a descriptor is there, whether that names it or not. */
const MEMBER = /\.(?:mf|cert|vmdk|vhdx?|qcow2|raw|iso|img|nvram|gz)(?:\.\d{9})?$/i;

/** What may be a backup of another layout under any name, or part of one. */
const OF_OTHERS =
  /^[^.]+$|\.(?:xml|ova|vma|dmg|sparseimage|zfs|zsend|zstream|ufsdump|flar|mksysb|savevg|dd)(?:\.gz)?$|\.(?:tar\.gz|zst|lz4|lzop?|xz|bz2)$/i;

/** Of those the ones that may as well be a backup by themselves, of another layout. */
const ANYBODYS = /^(?<stem>.+?)(?<!\.vmdk)(?<tar>\.tar)?\.(?:vhdx?|qcow2|raw|iso|img|gz)$/i;
/** As XenServer names its disks, and oVirt, without an ending. */
const UUID_NAME = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.|$)/i;
const BARE_UUID = /^[0-9a-f-]{36}$/i;

function claim({ files }: FolderNames): Claim | null {
  const bases = files
    .filter((name) => DESCRIPTOR.test(name))
    .map((name) => name.slice(0, -'.ovf'.length).toLowerCase());
  if (bases.length === 0) return null;
  // A descriptor may name any file: what it does not name is told as nobody's.
  const mayBeNamed = (name: string) =>
    isMember(name) ? mayBeOf(bases, name) : !OF_OTHERS.test(name);
  return { files: files.filter((name) => DESCRIPTOR.test(name) || mayBeNamed(name)) };
}

/** Whether a file belongs to a package that is alone in its folder, although nothing names it. */
function isMember(name: string): boolean {
  return MEMBER.test(name) || (BARE_UUID.test(name) && UUID_NAME.test(name));
}

/** What no descriptor names would be in no point of its own: nobody else gets to see a file that is claimed here. So a name with a date that is
 *  not the package's is left to others, and where there are several packages every name that is none of theirs. */
function mayBeOf(bases: readonly string[], name: string): boolean {
  const parts = ANYBODYS.exec(name)?.groups;
  const stem = parts?.stem?.toLowerCase();
  if (parts?.tar !== undefined) return false;
  if (stem === undefined || bases.includes(stem) || UUID_NAME.test(name)) return true;
  if (parseDatedName(stem) !== null)
    return bases.some((base) => stem.startsWith(base) && parseDatedName(base) !== null);
  return bases.length === 1 || bases.some((base) => stem.startsWith(base));
}

interface Package {
  readonly descriptor: ClaimedFile;
  readonly base: string;
  readonly found: Finding<OvfDescriptor>;
}

async function scan(facts: FolderFacts, claimed: ClaimedFiles): Promise<FoundWorkload[]> {
  const { folder } = claimed;
  const files = packageNames(claimed.files);
  const packages: Package[] = [];
  for (const descriptor of files.filter(({ name }) => DESCRIPTOR.test(name))) {
    const base = descriptor.name.slice(0, -'.ovf'.length);
    const found = await readOvf(facts, descriptor);
    packages.push({ descriptor, base, found: withFileNames(found, files) });
  }
  const workloads: FoundWorkload[] = [];
  for (const { descriptor, base, found } of packages) {
    const manifest = await readManifest(facts, base, files);
    const own = filesOf({ base, found, manifest }, files, packages.length === 1);
    const { disks, faults } = await readDisks(facts, found, own);
    const { workloadId, pointId, createdAtMs } = placeOf(folder, base, descriptor);
    const isDisk = (file: ClaimedFile) => disks.some(({ path }) => path === file.path);
    const others = [descriptor, ...own].filter((file) => !isDisk(file));
    const point = fullPoint({
      ...{ id: pointId, workloadId, createdAtMs, disks },
      companions: others.map(({ path, name }) => ({ path, as: name })),
      faults: [...faults, ...(await manifestFaults(facts, descriptor, manifest, own))],
      ...{ files: [descriptor, ...own], closingRecord: 'silent' },
    });
    const name = ('value' in found ? found.value.name : null) ?? base;
    workloads.push({ id: workloadId, name, restorePoints: settleChains([point]) });
  }
  return workloads;
}

/** References are URIs, and most programs write names into them as they are: `%20` is a blank only where no file has these letters in its name. */
function withFileNames(
  found: Finding<OvfDescriptor>,
  files: readonly ClaimedFile[],
): Finding<OvfDescriptor> {
  if ('fault' in found) return found;
  const isThere = (href: string) =>
    files.some(({ name }) => name === href || name.startsWith(`${href}.0`));
  const named = found.value.files.map((file) => {
    const decoded = decodedUri(file.href);
    return isThere(file.href) || !isThere(decoded) ? file : { ...file, href: decoded };
  });
  return { value: { ...found.value, files: named } };
}

function decodedUri(href: string): string {
  try {
    return decodeURIComponent(href);
  } catch {
    return href;
  }
}

/** What descriptor and manifest name; of a descriptor that is alone also all else of the folder that looks like a part of a package. */
function filesOf(
  { base, found, manifest }: Pick<Package, 'base' | 'found'> & { readonly manifest: Manifest },
  files: readonly ClaimedFile[],
  isAlone: boolean,
): ClaimedFile[] {
  const named = 'value' in found ? found.value.files : [];
  const listed = manifest !== null && 'value' in manifest ? manifest.value.entries : [];
  return files.filter(
    ({ name }) =>
      !DESCRIPTOR.test(name) &&
      ((isAlone && isMember(name)) ||
        [`${base}.mf`, `${base}.cert`].includes(name) ||
        listed.some((entry) => entry.name === name) ||
        named.some((file) => name === file.href || isPartOf(name, file))),
  );
}

function isPartOf(name: string, { href, isChunked }: OvfFile): boolean {
  return isChunked && name.startsWith(`${href}.`) && /\.\d{9}$/.test(name);
}

async function readDisks(
  facts: FolderFacts,
  found: Finding<OvfDescriptor>,
  own: readonly ClaimedFile[],
): Promise<{ readonly disks: readonly SourceDisk[]; readonly faults: readonly PointFault[] }> {
  if ('fault' in found) return { disks: [], faults: [found.fault] };
  const disks: SourceDisk[] = [];
  const faults: PointFault[] = [];
  for (const file of found.value.files) {
    const parts = partsOf(file, own);
    if ('fault' in parts) {
      faults.push(parts.fault);
      continue;
    }
    if (!file.isDisk) continue;
    for (const part of parts.value) {
      const format = checkedFormat(file, part);
      const fault = await wholeImageFault(facts, part, format, [], file.isDelta);
      if (fault !== null) faults.push(fault);
      const disk = fullDisk(part.name, isWholeVmdk(file, part) ? 'vmdk-stream' : 'file', part);
      const isPlain = part.path.split('/').at(-1) === part.name;
      disks.push(isPlain ? disk : { ...disk, as: part.name });
    }
  }
  return { disks, faults };
}

/** The files that one reference names. A name with a way out of its folder is refused, and never looked for. */
function partsOf(file: OvfFile, own: readonly ClaimedFile[]): Finding<readonly ClaimedFile[]> {
  const { href, sizeBytes, compression, isChunked } = file;
  const quoted = JSON.stringify(href);
  if (href === '' || /[/\\:\0]/.test(href) || href === '..')
    return broken(`its descriptor names the file ${quoted}, which is none of its own folder`);
  const whole = own.find(({ name }) => name === href);
  const parts = whole === undefined ? own.filter(({ name }) => isPartOf(name, file)) : [whole];
  if (parts.length === 0) return incomplete(`the file ${quoted}, which it refers to, is not there`);
  const gap = isChunked && whole === undefined ? gapIn(parts, href) : null;
  if (gap !== null) return incomplete(`the file ${gap}, a part of ${quoted}, is not there`);
  const held = parts.reduce((sum, { stamp }) => sum + stamp.sizeBytes, 0);
  if (compression === null && sizeBytes !== null && held < sizeBytes)
    return incomplete(`${quoted} has ${held} bytes, and ${sizeBytes} are expected`);
  return { value: parts };
}

/** Name of the first part that is missing. */
function gapIn(parts: readonly ClaimedFile[], href: string): string | null {
  for (let index = 0; index < parts.length; index++) {
    const name = `${href}.${String(index).padStart(9, '0')}`;
    if (!parts.some((part) => part.name === name)) return name;
  }
  return null;
}

function isWholeVmdk({ href, compression }: OvfFile, part: ClaimedFile): boolean {
  return part.name === href && /\.vmdk$/i.test(href) && compression === null;
}

const BY_ENDING: Readonly<Record<string, FormatId>> = {
  ...{ vmdk: 'vmdk-stream', qcow2: 'qcow2', vhd: 'vhd', vhdx: 'vhdx', gz: 'gzip' },
};

/** By whose structure a disk is told to be whole; whatever that is, it travels byte for byte. */
function checkedFormat(file: OvfFile, { name }: ClaimedFile): FormatId {
  if (name !== file.href) return 'file';
  if (file.compression === 'gzip') return 'gzip';
  if (file.compression !== null) return 'file';
  return BY_ENDING[name.slice(name.lastIndexOf('.') + 1).toLowerCase()] ?? 'file';
}

interface PointPlace {
  readonly workloadId: string;
  readonly pointId: string;
  readonly createdAtMs: number;
}

function placeOf(folder: string, base: string, descriptor: ClaimedFile): PointPlace {
  const named = parseDatedName(base);
  const place = datedPlace(folder);
  const dated = dateOfBoth(named, place);
  const stem = named?.stem ?? base;
  const createdAtMs = dated?.createdAtMs ?? writtenAtMs([descriptor]);
  return {
    workloadId: `${folderWorkloadId('ovf', place.place)}:${encodeURIComponent(stem)}`,
    pointId: dated?.date ?? new Date(createdAtMs).toISOString(),
    createdAtMs,
  };
}

/** null: the package has none. */
type Manifest = Finding<{
  readonly path: string;
  readonly entries: ReturnType<typeof parseManifest>;
}> | null;

async function readManifest(
  facts: FolderFacts,
  base: string,
  files: readonly ClaimedFile[],
): Promise<Manifest> {
  const file = files.find(({ name }) => name === `${base}.mf`);
  if (file === undefined) return null;
  const text = await facts.fact(file, 'text', () =>
    readText(facts.repository, file.path).catch(faultOfError),
  );
  if ('fault' in text) return text;
  return { value: { path: file.path, entries: parseManifest(text.value) } };
}

async function manifestFaults(
  facts: FolderFacts,
  descriptor: ClaimedFile,
  manifest: Manifest,
  own: readonly ClaimedFile[],
): Promise<PointFault[]> {
  if (manifest === null) return [];
  if ('fault' in manifest) return [manifest.fault];
  const { path, entries } = manifest.value;
  const faults: PointFault[] = [];
  for (const { name, algorithm, digest } of entries) {
    if (name === descriptor.name) {
      const known = await digestOf(facts, descriptor, algorithm);
      if (known !== null && known !== digest)
        faults.push(broken(`${path} holds the digest of another ${name}`).fault);
    } else if (!own.some((file) => file.name === name))
      faults.push(incomplete(`${JSON.stringify(name)}, which ${path} names, is not there`).fault);
  }
  return faults;
}

/** null: of an algorithm that no release of OVF names, or the file cannot be read, which is told elsewhere. */
async function digestOf(
  facts: FolderFacts,
  entry: ClaimedFile,
  algorithm: string,
): Promise<string | null> {
  if (!['SHA1', 'SHA256', 'SHA384', 'SHA512'].includes(algorithm)) return null;
  const found = await facts.fact(entry, algorithm, async () => {
    const bytes = await readBytes(facts.repository, entry.path).catch(faultOfError);
    if ('fault' in bytes) return bytes;
    return { value: createHash(algorithm.toLowerCase()).update(bytes.value).digest('hex') };
  });
  return 'value' in found ? found.value : null;
}
