import { execFile } from 'node:child_process';
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Of a new disk. */
export const BLOCKS = 16;
export const BLOCK_BYTES = 65_536;
const UUID = '6f1d2c3b-4a59-4e68-8b77-9c0d1e2f3a4b';

/** What a disk shows: the byte that fills each block; 0 reads as zeros. */
export type Content = readonly number[];

interface Backup {
  name: string;
  readonly createdAtMs: number;
  /** null: a full. */
  readonly parent: Backup | null;
  /** Blocks of the disk. */
  readonly size: number;
  /** Blocks that its own file holds. */
  readonly own: Map<number, number>;
}

/** A machine and its push backups, as `virsh backup-begin` leaves them in one folder, written by qemu-img and qemu-io. The model of what each
 *  backup shows is kept beside it and knows nothing of the code under test. */
export class LibvirtMachine {
  /** Those that are there, oldest first. */
  backups: Backup[] = [];
  content: number[] = Array.from({ length: BLOCKS }, (_, block) => (block % 3 === 0 ? 7 : 0));
  private made = 0;
  private moves = 0;
  private renamed = 0;
  /** As qemu-img makes them, the same each time. */
  private readonly empty = new Map<string, Buffer>();
  private folder: string;

  /** @param root repository of the backups
   *  @param livePath raw disk that push backups name as their parent; it says nothing of what they build on */
  constructor(
    private readonly root: string,
    private readonly livePath: string,
  ) {
    this.folder = join(root, 'vm');
  }

  /** What a backup shows, of whatever its chain is made of now. */
  shows(backup: Backup): Content {
    const below = backup.parent === null ? [] : this.shows(backup.parent);
    return Array.from(
      { length: backup.size },
      (_, block) => backup.own.get(block) ?? below[block] ?? 0,
    );
  }

  work(writes: readonly (readonly [block: number, value: number])[]): void {
    for (const [block, value] of writes) this.content[block % this.content.length] = value;
  }

  /** The disk ends elsewhere from now on; what lay behind that is gone. */
  resize(blocks: number): void {
    this.content = Array.from({ length: blocks }, (_, block) => this.content[block] ?? 0);
  }

  async full(createdAtMs: number): Promise<Backup> {
    const stored = this.content.map((value, block) => [block, value] as const);
    return this.add(createdAtMs, null, new Map(stored.filter(([, value]) => value !== 0)));
  }

  async increment(createdAtMs: number): Promise<Backup> {
    const parent = this.backups.at(-1)!;
    const before = this.shows(parent);
    const changed = this.content
      .map((value, block) => [block, value] as const)
      .filter(([block, value]) => value !== (before[block] ?? 0));
    return this.add(createdAtMs, parent, new Map(changed));
  }

  /** The tool makes its last backup once more, under the same name and date, of what the machine holds by now. */
  async makeNewestAnew(): Promise<void> {
    const { name, createdAtMs, parent } = this.backups.at(-1)!;
    await this.remove(this.backups.pop()!);
    const before = parent === null ? [] : this.shows(parent);
    const own = this.content
      .map((value, block) => [block, value] as const)
      .filter(([block, value]) => value !== (before[block] ?? 0));
    await this.add(createdAtMs, parent, new Map(own), name);
  }

  /** The tool writes on into a file that was there already: blocks that it did not hold.
   *  @returns whether there was one */
  async growNewest(value: number): Promise<boolean> {
    const backup = this.backups.at(-1)!;
    const block = this.shows(backup).findIndex((_, at) => !backup.own.has(at));
    if (block === -1) return false;
    backup.own.set(block, value);
    if (block < this.content.length) this.content[block] = value;
    await this.write(this.imagePath(backup), [[block, value]]);
    return true;
  }

  /** Somebody writes something else over a block of a backup.
   *  @returns whether it held one */
  async overwriteNewest(value: number): Promise<boolean> {
    const backup = this.backups.at(-1)!;
    const held = [...backup.own].find(([, old]) => old !== 0 && old !== value);
    if (held === undefined) return false;
    backup.own.set(held[0], value);
    await this.write(this.imagePath(backup), [[held[0], value]]);
    return true;
  }

  /** The tool merges its oldest increment into the full below. */
  async mergeOldest(): Promise<void> {
    const [full, next] = this.backups;
    if (full === undefined || next?.parent !== full) return;
    const merged = { ...next, parent: null, own: new Map(this.stored(this.shows(next))) };
    const scratch = join(this.root, 'merged');
    await this.create(scratch, null, merged);
    await rename(scratch, this.imagePath(next));
    await this.remove(full);
    this.replace(next, merged);
    this.backups.shift();
  }

  /** The oldest chain, when there is another one. */
  async removeOldestChain(): Promise<void> {
    const next = this.backups.findIndex(({ parent }, index) => index > 0 && parent === null);
    for (const backup of this.backups.splice(0, Math.max(0, next))) await this.remove(backup);
  }

  async removeAll(): Promise<void> {
    for (const backup of this.backups.splice(0)) await this.remove(backup);
    this.made = 0;
  }

  /** New times, same bytes. */
  async touchAll(): Promise<void> {
    for (const name of await readdir(this.folder))
      await utimes(join(this.folder, name), 1_600_000_000, 1_600_000_000);
  }

  /** Other inodes, other times, same bytes: the folder was copied to other storage. */
  async copyElsewhere(): Promise<void> {
    const copy = join(this.root, 'copy');
    await mkdir(copy);
    for (const name of await readdir(this.folder))
      await copyFile(join(this.folder, name), join(copy, name));
    await rm(this.folder, { recursive: true });
    await rename(copy, this.folder);
  }

  async moveFolder(): Promise<void> {
    const moved = join(this.root, `vm${++this.moves}`);
    await rename(this.folder, moved);
    this.folder = moved;
  }

  /** Other names for all files; the dates stay what they are. */
  async renameFiles(): Promise<void> {
    for (const backup of this.backups) {
      const before = this.imagePath(backup);
      await rm(this.xmlPath(backup));
      backup.name = `renamed${++this.renamed}`;
      await rename(before, this.imagePath(backup));
    }
    for (const backup of this.backups) await writeFile(this.xmlPath(backup), checkpointXml(backup));
  }

  private async add(
    createdAtMs: number,
    parent: Backup | null,
    own: Map<number, number>,
    name = `cp${++this.made}`,
  ): Promise<Backup> {
    await mkdir(this.folder, { recursive: true });
    const backup = { name, createdAtMs, parent, own, size: this.content.length };
    await this.create(this.imagePath(backup), parent, backup);
    await writeFile(this.xmlPath(backup), checkpointXml(backup));
    this.backups.push(backup);
    return backup;
  }

  private stored(content: Content): [number, number][] {
    return content.flatMap((value, block) =>
      value === 0 ? [] : [[block, value] as [number, number]],
    );
  }

  private replace(old: Backup, by: Backup): void {
    this.backups = this.backups.map((backup) => {
      if (backup === old) return by;
      return backup.parent === old ? Object.assign(backup, { parent: by }) : backup;
    });
  }

  private async remove(backup: Backup): Promise<void> {
    await rm(this.xmlPath(backup));
    await rm(this.imagePath(backup));
  }

  private imagePath({ name }: Pick<Backup, 'name'>): string {
    return join(this.folder, `vda.${name}.qcow2`);
  }

  private xmlPath({ name }: Pick<Backup, 'name'>): string {
    return join(this.folder, `checkpoint.${name}.xml`);
  }

  private async create(
    path: string,
    parent: Backup | null,
    { own, size }: Pick<Backup, 'own' | 'size'>,
  ): Promise<void> {
    const kind = parent === null ? 'full' : 'increment';
    const empty = this.empty.get(`${kind} ${size}`) ?? (await this.createEmpty(path, kind, size));
    this.empty.set(`${kind} ${size}`, empty);
    await writeFile(path, empty);
    await this.write(path, [...own]);
  }

  private async createEmpty(
    path: string,
    kind: 'full' | 'increment',
    size: number,
  ): Promise<Buffer> {
    const backing = kind === 'full' ? [] : ['-b', this.livePath, '-F', 'raw'];
    const bytes = String(size * BLOCK_BYTES);
    await run('qemu-img', ['create', '-q', '-f', 'qcow2', ...backing, path, bytes]);
    return readFile(path);
  }

  private async write(path: string, blocks: readonly (readonly [number, number])[]): Promise<void> {
    if (blocks.length === 0) return;
    const commands = blocks.flatMap(([block, value]) => [
      '-c',
      value === 0
        ? `write -z ${block * BLOCK_BYTES} ${BLOCK_BYTES}`
        : `write -P ${value} ${block * BLOCK_BYTES} ${BLOCK_BYTES}`,
    ]);
    await run('qemu-io', ['-f', 'qcow2', ...commands, path]);
  }
}

function checkpointXml({ name, parent, createdAtMs }: Backup): string {
  const inner = parent === null ? '' : `<parent><name>${parent.name}</name></parent>`;
  return (
    `<domaincheckpoint><name>${name}</name>${inner}<creationTime>${createdAtMs / 1000}</creationTime>` +
    `<disks><disk name='vda' checkpoint='bitmap' bitmap='${name}'/></disks>` +
    `<domain type='kvm'><name>vm</name><uuid>${UUID}</uuid></domain></domaincheckpoint>\n`
  );
}
