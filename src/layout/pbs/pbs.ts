import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { pathIn, STORE_RULES } from '../trees/store-rules.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { CHUNK_INDEXES, isSoundBlob } from './datastore-files.js';
import { lastName, parentFolder } from '../../repository/repository-path.js';
import { oldestFirst } from '../trees/point-order.js';

/** Datastores of Proxmox Backup Server: `.chunks/<4 hex>/<64 hex>`, and groups `[ns/<name>/…](vm|ct|host)/<id>/` with a folder for each snapshot, named
 *  by its moment: one index for each disk (`.fidx`) or archive (`.didx`), blobs, and the manifest `index.json.blob`.
 *
 *  A datastore is a workload, because all groups share its chunks, and a copy must be a datastore again; its snapshots are its restore points, named
 *  by group and moment. A snapshot is whole once its manifest is there. The server writes chunks before the index that lists them, and the manifest
 *  last. A chunk is named by the SHA-256 of what it holds, before it was compressed or encrypted: that is no digest of the file. Which chunks a snapshot
 *  needs stands in its indexes.
 *  Source: proxmox-backup, pbs-datastore/src; no datastore was at hand (docs/COMPATIBILITY.md). */
export const pbsLayout: TreeLayout = {
  name: 'pbs',
  restoredWith: 'Proxmox Backup Server: the copy as a datastore',
  linesInPlace: [
    'proxmox-backup-manager datastore create restored {files} --reuse-datastore true',
    'proxmox-backup-client restore {id} ARCHIVE TARGET --repository localhost:restored',
  ],
  type: {
    id: 'proxmox-backup-server',
    title: 'Proxmox Backup Server',
    rules: { ...ALL_ALLOWED, allowsGfs: false, retentionByDaysOnly: true },
  },
  rules: {
    ...STORE_RULES,
    classes: [
      { name: 'owner', match: /(?:^|\/)(?:owner|notes)$/, content: 'replaced' },
      { name: 'chunks', match: /^\.chunks\/[0-9a-f]{4}\/[0-9a-f]{64}$/, content: 'immutable' },
      {
        ...{ name: 'indexes', match: /\.[fd]idx$/, content: 'immutable' },
        removal: { goesWith: snapshotOf },
      },
      {
        ...{ name: 'blobs', match: /\/(?!index\.json\.)[^/]+\.blob$/, content: 'replaced' },
        removal: { goesWith: snapshotOf },
      },
      {
        ...{
          name: 'manifests',
          match: /\/(?:index\.json\.blob|\.protected)$/,
          content: 'replaced',
        },
        // A protection is taken off again.
        removal: { goesWith: (path) => (path.endsWith('.blob') ? snapshotOf(path) : null) },
      },
    ],
    ignored: /(?:^|\/)\.(?:lock|gc-status)$|\.tmp(?:_[^/]*)?$/,
    digestInName: null,
    names: CHUNK_INDEXES,
    isSound: isSoundBlob,
    pointOf: snapshotOf,
    machineOf: parentFolder,
    setAside: (path) => CHUNK_SET_ASIDE.exec(path)?.[1] ?? null,
  },
  claim,
  scan,
};

/** A verification renames chunks that it finds damaged. Garbage collection keeps them while an index names the chunk, until a backup has brought it again. */
const CHUNK_SET_ASIDE = /^(\.chunks\/[0-9a-f]{4}\/[0-9a-f]{64})\.\d+\.bad$/;

function snapshotOf(path: string): string | null {
  const folder = parentFolder(path);
  return MOMENT.test(lastName(folder)) ? folder : null;
}

const TYPES: readonly string[] = ['vm', 'ct', 'host'];

function claim({ folders, passedOver }: FolderNames): Claim | null {
  if (!passedOver.includes('.chunks')) return null;
  const own = folders.filter((name) => name === 'ns' || TYPES.includes(name));
  return own.length === 0 ? null : { files: [], folders: ['.chunks', ...own] };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const points: TreePoint[] = [];
  for await (const snapshot of snapshotsIn(reader, folder, ''))
    points.push(...(await pointsOf(reader, folder, snapshot)));
  points.sort(oldestFirst);
  return [
    {
      id: folderWorkloadId('pbs', folder),
      name: folderName('pbs', folder),
      root: folder,
      within: claimed.folders ?? [],
      points,
    },
  ];
}

interface Snapshot {
  /** `[ns/<name>/…]<type>/<id>/<moment>`: the path within the datastore. */
  readonly id: string;
  readonly createdAtMs: number;
}

/** Of one namespace and those within it. */
async function* snapshotsIn(
  reader: TreeReader,
  root: string,
  namespace: string,
): AsyncGenerator<Snapshot> {
  const foldersIn = async (within: string): Promise<RepositoryEntry[]> =>
    (await reader.list(pathIn(root, ...(within === '' ? [] : [within])))).filter(
      ({ type }) => type === 'folder',
    );
  for (const type of TYPES)
    for (const group of await foldersIn(pathIn(namespace, type)))
      for (const { name } of await foldersIn(pathIn(namespace, type, group.name))) {
        const createdAtMs = MOMENT.test(name) ? Date.parse(name) : Number.NaN;
        if (!Number.isNaN(createdAtMs))
          yield { id: pathIn(namespace, type, group.name, name), createdAtMs };
      }
  for (const { name } of await foldersIn(pathIn(namespace, 'ns')))
    yield* snapshotsIn(reader, root, pathIn(namespace, 'ns', name));
}

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

/** None of a folder without entries: nothing is left of that snapshot, or nothing there yet. */
async function pointsOf(reader: TreeReader, root: string, found: Snapshot): Promise<TreePoint[]> {
  const entries = await reader.list(pathIn(root, found.id));
  if (entries.length === 0) return [];
  const isFinished = entries.some(({ name }) => name === 'index.json.blob');
  return [
    {
      ...found,
      kind: 'snapshot',
      needs: [],
      ...(isFinished
        ? { state: 'complete', reason: null }
        : { state: 'incomplete', reason: 'its manifest index.json.blob is not written' }),
      files: null,
    },
  ];
}
