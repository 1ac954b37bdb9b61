import { createHash } from 'node:crypto';
import type { FormatId, SourceDisk } from '../../domain/sources/source-workload.js';
import { parseManifest } from '../../domain/sources/ovf-manifest.js';
import type {
  BackupLayout,
  Claim,
  ClaimedFile,
  ClaimedFiles,
  ClaimedWorkload,
} from '../backup-layout.js';
import { datedPlace, dateOfBoth } from '../names/dated-folders.js';
import { parseDatedName } from '../names/dated-name.js';
import type { FolderFacts } from '../file-facts.js';
import { fullDisk, fullPoint } from '../images/full-point.js';
import { writtenAtMs } from '../names/named-date.js';
import { packageNames } from './library-names.js';
import { baseOf, claim, isMember, isOfNobody, isDescriptor } from './claimed-names.js';
import { readOvf, type OvfDescriptor, type OvfFile } from './descriptor.js';
import { broken, faultOfError, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { settleChains } from '../images/settle-chains.js';
import { VSPHERE } from '../vsphere-type.js';
import { wholeImageFault } from '../images/whole-image.js';
import { folderWorkloadId } from '../names/workload-id.js';
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
  restoredWith: '`ovftool web01.ovf vi://esx01`',
  type: VSPHERE,
  claim,
  // Beside several descriptors it belongs to the one that names it, and there may be none.
  mayBeNobodys: () => true,
  confirm,
  scan,
};

interface Package {
  readonly descriptor: ClaimedFile;
  readonly base: string;
  readonly found: Finding<OvfDescriptor>;
  readonly manifest: Manifest;
}

async function packagesIn(
  facts: FolderFacts,
  files: readonly ClaimedFile[],
): Promise<readonly Package[]> {
  const packages: Package[] = [];
  for (const descriptor of files.filter(({ name }) => isDescriptor(name))) {
    const base = baseOf(descriptor.name);
    const found = withFileNames(await readOvf(facts, descriptor), files);
    packages.push({ descriptor, base, found, manifest: await readManifest(facts, base, files) });
  }
  return packages;
}

/** Images that no package names, under names of their own, are those of other machines: they go to who knows them. Without a descriptor that cannot be read just
 *  now, or is still being written, nobody knows which these are. */
async function confirm(facts: FolderFacts, claimed: ClaimedFiles): Promise<Claim> {
  const files = packageNames(claimed.files);
  const bases = files.flatMap(({ name }) => (isDescriptor(name) ? [baseOf(name)] : []));
  const doubtful = files.filter(({ name }) => isOfNobody(bases, name));
  const keep = (gone: readonly ClaimedFile[]): Claim => {
    const paths = new Set(gone.map(({ path }) => path));
    return { files: claimed.files.flatMap((file) => (paths.has(file.path) ? [] : [file.name])) };
  };
  if (doubtful.length === 0) return keep([]);
  const packages = await packagesIn(facts, files);
  const isUnread = packages.some((one) =>
    [one.found, one.manifest].some(
      (part) => part !== null && 'fault' in part && part.fault.state !== 'broken',
    ),
  );
  if (isUnread) return keep([]);
  return keep(doubtful.filter((file) => !packages.some((one) => isNamedBy(one, file))));
}

async function scan(facts: FolderFacts, claimed: ClaimedFiles): Promise<ClaimedWorkload[]> {
  const { folder } = claimed;
  const files = packageNames(claimed.files);
  const packages = await packagesIn(facts, files);
  const workloads: ClaimedWorkload[] = [];
  for (const { descriptor, base, found, manifest } of packages) {
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
  one: Pick<Package, 'base' | 'found' | 'manifest'>,
  files: readonly ClaimedFile[],
  isAlone: boolean,
): ClaimedFile[] {
  return files.filter(
    (file) =>
      !isDescriptor(file.name) &&
      ((isAlone && isMember(file.name)) ||
        [`${one.base}.mf`, `${one.base}.cert`].includes(file.name) ||
        isNamedBy(one, file)),
  );
}

function isNamedBy(
  { found, manifest }: Pick<Package, 'found' | 'manifest'>,
  { name }: ClaimedFile,
): boolean {
  const named = 'value' in found ? found.value.files : [];
  const listed = manifest !== null && 'value' in manifest ? manifest.value.entries : [];
  return (
    listed.some((entry) => entry.name === name) ||
    named.some((file) => name === file.href || isPartOf(name, file))
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
