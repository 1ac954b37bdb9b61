import { PagedContent } from './paged-content.js';

/** A disk behind a page cache: every file and folder has what the process sees now and what a power cut would leave.
 *  Pure state; `power-loss.ts` has the rules of what survives. */
export class SimulatedDisk {
  root = new SimulatedFolder(2);
  /** Changes of names that are not yet durable, oldest first. */
  unsyncedNames: NameChange[] = [];
  nextInode = 3;
  #clockNs = 1_700_000_000_000_000_000n;

  /** What changes from now on changes at this moment, or later. */
  setClock(ms: number): void {
    const ns = BigInt(ms) * 1_000_000n;
    if (ns > this.#clockNs) this.#clockNs = ns;
  }

  tick(): bigint {
    this.#clockNs += 1_000_000n;
    return this.#clockNs;
  }

  newFile(): SimulatedFile {
    const file = new SimulatedFile(this.nextInode++);
    file.changedAtNs = this.tick();
    return file;
  }

  newFolder(): SimulatedFolder {
    const folder = new SimulatedFolder(this.nextInode++);
    folder.changedAtNs = this.tick();
    return folder;
  }

  /** Changes one name, or two at once for a rename. */
  changeNames(...entries: NameEntry[]): void {
    const [first, second] = entries;
    const before = first?.folder.names.get(first.name);
    const isRemoval = first?.node === null && second === undefined;
    for (const entry of entries) {
      setName(entry.folder.names, entry);
      entry.folder.changedAtNs = this.tick();
    }
    this.unsyncedNames.push({
      entries,
      awaitsSyncOf: new Set(entries.map(({ folder }) => folder)),
      removed: isRemoval && before?.type === 'folder' ? before : null,
    });
  }

  syncFile(file: SimulatedFile): void {
    file.durable = file.content.copy();
    file.unsynced = [];
  }

  /** A change in two folders is durable when both were synced after it. Then everything older about the same names is durable too:
   *  a name cannot be moved durably before it came to be. A folder that is durably gone has no names, and nothing waits for it. */
  syncFolder(...folders: SimulatedFolder[]): void {
    for (const change of this.unsyncedNames)
      for (const folder of folders) change.awaitsSyncOf.delete(folder);
    const durable = new Set<NameChange>();
    const durableNames = new Set<string>();
    for (const change of [...this.unsyncedNames].reverse()) {
      const names = change.entries.map(nameKey);
      if (change.awaitsSyncOf.size > 0 && !names.some((name) => durableNames.has(name))) continue;
      durable.add(change);
      for (const name of names) durableNames.add(name);
    }
    for (const change of durable.size === 0 ? [] : this.unsyncedNames)
      if (durable.has(change))
        for (const entry of change.entries) setName(entry.folder.durableNames, entry);
    this.unsyncedNames = this.unsyncedNames.filter((change) => !durable.has(change));
    const gone = [...durable].flatMap(({ removed }) => removed ?? []);
    if (gone.length > 0) this.syncFolder(...gone);
  }

  syncEverything(): void {
    for (const { entries } of this.unsyncedNames)
      for (const { folder } of entries) this.syncFolder(folder);
    const syncFiles = (folder: SimulatedFolder): void => {
      for (const node of folder.names.values())
        if (node.type === 'file') this.syncFile(node);
        else syncFiles(node);
    };
    syncFiles(this.root);
  }

  /** Independent of this one; file content is shared until it is written. */
  copy(): SimulatedDisk {
    const copies = new Map<SimulatedNode, SimulatedNode>();
    const disk = new SimulatedDisk();
    disk.root = copyFolder(this.root, copies);
    disk.unsyncedNames = this.unsyncedNames.map(({ entries, awaitsSyncOf, removed }) => ({
      entries: entries.map(({ folder, name, node }) => ({
        folder: copyFolder(folder, copies),
        name,
        node: node === null ? null : copyNode(node, copies),
      })),
      awaitsSyncOf: new Set([...awaitsSyncOf].map((folder) => copyFolder(folder, copies))),
      removed: removed && copyFolder(removed, copies),
    }));
    disk.nextInode = this.nextInode;
    disk.#clockNs = this.#clockNs;
    return disk;
  }
}

export type SimulatedNode = SimulatedFile | SimulatedFolder;

export class SimulatedFile {
  readonly type = 'file';
  readonly inode: number;
  content = new PagedContent();
  /** Never changed, only replaced. */
  durable = new PagedContent();
  /** Since the last sync, oldest first. */
  unsynced: FileChange[] = [];
  changedAtNs = 0n;

  constructor(inode: number) {
    this.inode = inode;
  }

  write(bytes: Uint8Array, offset: number): void {
    this.unsynced.push({ kind: 'write', offset, bytes: bytes.slice() });
    this.content.write(bytes, offset);
  }

  truncate(sizeBytes: number): void {
    const isShrink = sizeBytes < this.content.sizeBytes;
    this.unsynced.push({ kind: 'truncate', sizeBytes, isShrink });
    this.content.truncate(sizeBytes);
  }
}

export class SimulatedFolder {
  readonly type = 'folder';
  readonly inode: number;
  names = new Map<string, SimulatedNode>();
  durableNames = new Map<string, SimulatedNode>();
  changedAtNs = 0n;

  constructor(inode: number) {
    this.inode = inode;
  }
}

export type FileChange =
  | { readonly kind: 'write'; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly sizeBytes: number; readonly isShrink: boolean };

/** `node: null`: the name goes away. */
interface NameEntry {
  readonly folder: SimulatedFolder;
  readonly name: string;
  readonly node: SimulatedNode | null;
}

interface NameChange {
  readonly entries: readonly NameEntry[];
  readonly awaitsSyncOf: Set<SimulatedFolder>;
  /** Folder that it removes; null: none. */
  readonly removed: SimulatedFolder | null;
}

export function setName(names: Map<string, SimulatedNode>, { name, node }: NameEntry): void {
  if (node === null) names.delete(name);
  else names.set(name, node);
}

export function nameKey({ folder, name }: NameEntry): string {
  return `${folder.inode}/${name}`;
}

function copyNode(node: SimulatedNode, copies: Map<SimulatedNode, SimulatedNode>): SimulatedNode {
  return node.type === 'file' ? copyFile(node, copies) : copyFolder(node, copies);
}

function copyFile(file: SimulatedFile, copies: Map<SimulatedNode, SimulatedNode>): SimulatedFile {
  const known = copies.get(file);
  if (known?.type === 'file') return known;
  const copy = new SimulatedFile(file.inode);
  copies.set(file, copy);
  copy.content = file.content.copy();
  copy.durable = file.durable;
  copy.unsynced = [...file.unsynced];
  copy.changedAtNs = file.changedAtNs;
  return copy;
}

function copyFolder(
  folder: SimulatedFolder,
  copies: Map<SimulatedNode, SimulatedNode>,
): SimulatedFolder {
  const known = copies.get(folder);
  if (known?.type === 'folder') return known;
  const copy = new SimulatedFolder(folder.inode);
  copies.set(folder, copy);
  for (const [name, node] of folder.names) copy.names.set(name, copyNode(node, copies));
  for (const [name, node] of folder.durableNames)
    copy.durableNames.set(name, copyNode(node, copies));
  copy.changedAtNs = folder.changedAtNs;
  return copy;
}
