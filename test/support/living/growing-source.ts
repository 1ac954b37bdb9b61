import { createCipheriv } from 'node:crypto';
import { composeQcow2 } from '../../../src/image/qcow2/compose.js';
import { fileBytes } from '../../../src/mover/blocks/file-bytes.js';
import type { FolderRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';

const BLOCK_BYTES = 65_536;
const DISK = '3d5c0f8e-2b71-4c9d-8e46-a1f7b2d39c11';

/** Content of a disk, block by block; null reads as zeros. Days share the blocks that did not change. */
type Blocks = readonly (Buffer | null)[];

interface SourceDay {
  readonly id: string;
  readonly fileName: string;
  readonly createdAtMs: number;
  readonly blocks: Blocks;
  /** What its own file holds. */
  readonly stored: Map<number, Buffer | null>;
  readonly parent: SourceDay | null;
  /** What it showed before its tool wrote on, oldest first. */
  readonly earlier: readonly Blocks[];
}

/** A machine that changes and is backed up day by day, as oVirt's backup_vm.py does it: a flat folder of fulls and increments that name
 *  their parents. What its disk holds at each backup is kept beside it. The same seed gives the same machine. */
export class GrowingSource {
  /** All that were ever made, oldest first; those that were trimmed too. */
  readonly days: SourceDay[] = [];
  private blocks: (Buffer | null)[];
  private readonly changed = new Map<number, Buffer | null>();
  private writes: number;

  /** @param options.blockCount blocks of 64 KiB; the last one is cut short by 1,536 bytes
   *  @param options.disk of several disks of one machine, each a source of its own in the same folder */
  constructor(
    public repository: FolderRepository,
    public folder: string,
    private readonly options: {
      readonly blockCount: number;
      readonly seed?: number;
      readonly disk?: string;
    },
  ) {
    this.blocks = Array.from({ length: options.blockCount }, () => null);
    this.writes = (options.seed ?? 0) * 1_000_000;
    for (let block = 0; block < options.blockCount; block += 2) this.write(block);
  }

  get virtualSizeBytes(): number {
    return this.options.blockCount * BLOCK_BYTES - 1_536;
  }

  /** The machine works: up to three blocks are written, one of them at times with zeros; on some days nothing happens. */
  work(day: number): void {
    const { blockCount } = this.options;
    for (let n = 0; n < day % 4; n++) this.write((day * 7 + n * 5) % blockCount);
    if (day % 6 === 5) this.change((day * 3) % blockCount, null);
  }

  /** @returns id of the restore point */
  async backUp(createdAtMs: number, kind: 'full' | 'incremental'): Promise<string> {
    const parent = kind === 'full' ? null : this.days.at(-1)!;
    const id = `00000000-0000-4000-8000-${String(this.days.length + 1).padStart(12, '0')}`;
    const time = new Date(createdAtMs).toISOString().replaceAll(/\D/g, '').slice(0, 14);
    const fileName = `${time}.${id}.${this.options.disk ?? DISK}.${kind}.qcow2`;
    await this.repository.makeFolder(this.folder);
    const stored = new Map(kind === 'full' ? this.blocks.entries() : this.changed);
    const day = {
      id,
      fileName,
      createdAtMs,
      blocks: [...this.blocks],
      stored,
      parent,
      earlier: [],
    };
    await this.writeDay(day);
    this.days.push(day);
    this.changed.clear();
    return id;
  }

  /** The tool writes on into its newest file, which was taken for whole: a block that read as zeros has something in it now.
   *  @returns whether there was one */
  async growNewest(): Promise<boolean> {
    const day = this.days.at(-1)!;
    const block = day.blocks.findIndex((content, at) => content === null && !this.changed.has(at));
    if (block === -1) return false;
    const content = noise(++this.writes);
    this.blocks[block] = content;
    const grown = {
      ...day,
      stored: new Map([...day.stored, [block, content]]),
      blocks: day.blocks.with(block, content),
      earlier: [...day.earlier, day.blocks],
    };
    await this.repository.remove(`${this.folder}/${day.fileName}`);
    await this.writeDay(grown);
    this.days.splice(-1, 1, grown);
    return true;
  }

  /** Removes the oldest chains, so that `count` fulls with their increments stay. */
  async keepChains(count: number): Promise<void> {
    const names = (await this.repository.list(this.folder)).map(({ name }) => name).sort();
    const fulls = names.filter((name) => name.endsWith('.full.qcow2'));
    const oldest = fulls.at(-count);
    for (const name of names)
      if (oldest !== undefined && name < oldest)
        await this.repository.remove(`${this.folder}/${name}`);
  }

  /** Removes all backups, as when an administrator starts anew. */
  async removeAll(): Promise<void> {
    for (const { path } of await this.repository.list(this.folder))
      await this.repository.remove(path);
  }

  /** The raw disk as it was at the backup of this moment; RFC 3339. */
  diskAt(createdAt: string): Buffer {
    return this.rawOf(this.dayAt(createdAt).blocks);
  }

  /** The same, and what that backup showed before its tool had written all of it. */
  statesAt(createdAt: string): Buffer[] {
    const { blocks, earlier } = this.dayAt(createdAt);
    return [...earlier, blocks].map((state) => this.rawOf(state));
  }

  private dayAt(createdAt: string): SourceDay {
    const day = this.days.find(({ createdAtMs }) => createdAtMs === Date.parse(createdAt));
    if (day === undefined) throw new Error(`the machine was not backed up at ${createdAt}`);
    return day;
  }

  private rawOf(blocks: Blocks): Buffer {
    const raw = Buffer.alloc(this.options.blockCount * BLOCK_BYTES);
    blocks.forEach((content, block) => content?.copy(raw, block * BLOCK_BYTES));
    return raw.subarray(0, this.virtualSizeBytes);
  }

  rewrite(...blocks: number[]): void {
    for (const block of blocks) this.write(block);
  }

  /** They read as zeros, and no file holds bytes of them. */
  wipe(...blocks: number[]): void {
    for (const block of blocks) this.change(block, null);
  }

  /** They read as zeros, which the next file holds like any other bytes. */
  storeZeros(...blocks: number[]): void {
    for (const block of blocks) this.change(block, Buffer.alloc(BLOCK_BYTES));
  }

  private write(block: number): void {
    this.change(block, noise(++this.writes));
  }

  private change(block: number, content: Buffer | null): void {
    this.blocks[block] = content;
    this.changed.set(block, content);
  }

  private writeDay({ fileName, stored, parent }: SourceDay): Promise<void> {
    return this.writeImage(`${this.folder}/${fileName}`, stored, parent?.fileName ?? null);
  }

  private async writeImage(
    path: string,
    stored: ReadonlyMap<number, Buffer | null>,
    parentName: string | null,
  ): Promise<void> {
    const slots = [...stored].flatMap(([block, content]) => (content === null ? [] : [block]));
    const file = await this.repository.openWrite(path, 'new');
    try {
      for (const [slot, block] of slots.entries())
        await file.write(stored.get(block)!, (1 + slot) * BLOCK_BYTES);
      const shape = {
        virtualSizeBytes: this.virtualSizeBytes,
        parent: parentName === null ? null : { link: parentName, format: 'qcow2' },
        slotCount: slots.length,
      };
      await composeQcow2(await fileBytes(file), shape, {
        nextMapped: (block) => Promise.resolve(block),
        mapBlocks: (first, out) => {
          out.forEach((_, i) => {
            const slot = slots.indexOf(first + i);
            out[i] = slot >= 0 ? 2 + slot : stored.has(first + i) ? 1 : 0;
          });
          return Promise.resolve();
        },
        slotsInUse: (_, out) => {
          out.fill(1);
          return Promise.resolve();
        },
      });
    } finally {
      await file.close();
    }
  }
}

function noise(seed: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32BE(seed);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16), iv).update(Buffer.alloc(BLOCK_BYTES));
}

/** A machine, of eight blocks if nothing else is said, in a repository that is a folder, with its first full. */
export async function newMachine(
  rootPath: string,
  folder: string,
  backedUpAtMs: number,
  blockCount = 8,
): Promise<GrowingSource> {
  const repository = await openDirectoryRepository({ id: 'primary', rootPath, readOnly: false });
  const source = new GrowingSource(repository, folder, { blockCount });
  await source.backUp(backedUpAtMs, 'full');
  return source;
}
