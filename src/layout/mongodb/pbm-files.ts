import { treePathFault } from '../../domain/trees/tree-path.js';
import { broken, incomplete, type Finding, type PointFault } from '../point-fault.js';
import { type TreeFile } from '../trees/tree-files.js';
import type { TreeReader } from '../tree-layout.js';
import { bsonLength, readBson } from './bson.js';
import { storedPath, type PbmFile, type PbmMetadata, type PbmReplicaSet } from './pbm-metadata.js';
import { joinPath } from '../../repository/repository-path.js';

/** Name of the list of files of a replica set, in its folder of a physical backup. */
const FILE_LIST = 'filelist.pbm';
/** 100,000 collections and indexes have about 30 MiB. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
const READ_BYTES = 1024 * 1024;

/** Files of one backup by their paths from the root of the store. */
type PbmFiles = ReadonlyMap<string, TreeFile>;

/** Faults of a backup that says it is done: files that it names and that are not there. What it names only ever picks one of the listed files. */
export async function pbmFaults(
  reader: TreeReader,
  root: string,
  base: string,
  metadata: PbmMetadata,
  files: PbmFiles,
): Promise<PointFault[]> {
  if (metadata.type === 'external')
    return [incomplete('its data were copied by other means, and are not in this store').fault];
  if (metadata.replicaSets.length === 0)
    return [broken(`${base}.pbm.json names no replica set`).fault];
  const faults: PointFault[] = [];
  for (const set of metadata.replicaSets) {
    if (treePathFault(set.name) !== null || set.name.includes('/'))
      return [broken(`${base}.pbm.json names the replica set ${JSON.stringify(set.name)}`).fault];
    faults.push(
      ...(metadata.type === 'logical'
        ? logicalFaults(base, set, files)
        : await physicalFaults(reader, root, base, metadata, set, files)),
    );
  }
  return faults;
}

/** The oplog is a file, or since 2.4 a folder of chunks. */
function logicalFaults(base: string, set: PbmReplicaSet, files: PbmFiles): PointFault[] {
  if (set.dump === null || set.oplog === null)
    return [broken(`${base}.pbm.json names no dump or no oplog of ${set.name}`).fault];
  const faults: PointFault[] = [];
  for (const path of [set.dump, set.oplog]) {
    const fault = treePathFault(path);
    if (fault !== null) {
      faults.push(broken(`${base}.pbm.json names ${JSON.stringify(path)}, which ${fault}`).fault);
      continue;
    }
    const own = files.has(path)
      ? [files.get(path)!]
      : [...files].flatMap(([name, file]) => (name.startsWith(`${path}/`) ? [file] : []));
    if (own.length === 0) faults.push(incomplete(`${path} is missing`).fault);
    else if (own.some(({ stamp }) => stamp.sizeBytes === 0))
      faults.push(incomplete(`${path} is empty`).fault);
  }
  return faults;
}

async function physicalFaults(
  reader: TreeReader,
  root: string,
  base: string,
  { suffix }: PbmMetadata,
  set: PbmReplicaSet,
  files: PbmFiles,
): Promise<PointFault[]> {
  const listPath = `${base}/${set.name}/${FILE_LIST}`;
  const list = files.get(listPath);
  if (list === undefined && set.files === null) return [incomplete(`${listPath} is missing`).fault];
  const listed = list === undefined ? { value: set.files! } : await readList(reader, root, list);
  if ('fault' in listed) return [listed.fault];
  for (const file of listed.value) {
    if (file.storedBytes === 0) continue;
    const within = storedPath(set.name, file, suffix);
    const fault = treePathFault(within);
    const where = list === undefined ? `${base}.pbm.json` : listPath;
    if (fault !== null)
      return [broken(`${where} names ${JSON.stringify(file.name)}, which ${fault}`).fault];
    const bytes = storedBytes(files, `${base}/${within}`);
    if (bytes === null) return [incomplete(`${base}/${within} is missing`).fault];
    if (bytes !== file.storedBytes)
      return [
        incomplete(`${base}/${within} has ${bytes} bytes, and ${where} says ${file.storedBytes}`)
          .fault,
      ];
  }
  return [];
}

/** A file that is larger than the storage takes is stored in parts: `.pbmpart.1` and so on. */
function storedBytes(files: PbmFiles, path: string): number | null {
  let bytes = files.get(path)?.stamp.sizeBytes ?? null;
  for (let part = 1; bytes !== null; part++) {
    const next = files.get(`${path}.pbmpart.${part}`);
    if (next === undefined) break;
    bytes += next.stamp.sizeBytes;
  }
  return bytes;
}

/** BSON documents, one behind the other. */
async function readList(
  reader: TreeReader,
  root: string,
  { within, stamp: { sizeBytes } }: TreeFile,
): Promise<Finding<PbmFile[]>> {
  if (sizeBytes > MAX_LIST_BYTES)
    return broken(`${within} has ${sizeBytes} bytes; at most ${MAX_LIST_BYTES} are read`);
  const listed: PbmFile[] = [];
  let bytes = new Uint8Array(0);
  let offset = 0;
  while (offset < sizeBytes) {
    const more = await reader.read(joinPath(root, within), offset, READ_BYTES);
    if (more.length === 0) break;
    offset += more.length;
    bytes = joined(bytes, more);
    let at = 0;
    for (;;) {
      const length = bsonLength(bytes, at);
      if (length === null ? at + 4 <= bytes.length : length > READ_BYTES)
        return broken(`${within} is no list of files`);
      if (length === null || at + length > bytes.length) break;
      const fields = readBson(bytes, at);
      const name = fields?.get('filename');
      if (fields === null || typeof name !== 'string')
        return broken(`${within} is no list of files`);
      const numberOf = (field: string): number => {
        const value = fields.get(field);
        return typeof value === 'number' && value > 0 ? value : 0;
      };
      listed.push({
        name,
        offset: numberOf('offset'),
        length: numberOf('length'),
        storedBytes: numberOf('stgSize'),
      });
      at += length;
    }
    bytes = bytes.slice(at);
  }
  return bytes.length > 0 ? incomplete(`${within} is cut off`) : { value: listed };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}
