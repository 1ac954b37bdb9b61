import { createHash } from 'node:crypto';
import { filesBelow, type TreeWorld } from './tree-world.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';

/** What a store of the toy tool does to itself, in the order in which such tools do it: blobs, then the index that lists them, then the snapshot; and
 *  removal the other way round. */
export class ToyStore {
  /** Every content that a path ever had, by its SHA-256. */
  readonly #contents = new Map<string, Set<string>>();
  /** Index files by name, with the blobs that each lists. */
  readonly #indexes = new Map<string, readonly string[]>();
  readonly #snapshots = new Map<string, readonly string[]>();
  #count = 0;
  /** Files that the copy has lost. */
  readonly lost = new Set<string>();

  constructor(readonly world: TreeWorld) {}

  async begin(): Promise<void> {
    await this.#write('STORE', 'v1');
  }

  get isWarned(): boolean {
    return this.lost.size > 0;
  }

  get snapshotCount(): number {
    return this.#snapshots.size;
  }

  async backUp(blobs: number, blobBytes = 40): Promise<void> {
    const number = ++this.#count;
    const paths: string[] = [];
    for (let i = 0; i < blobs; i++) {
      const content = Buffer.alloc(blobBytes, number);
      content.write(`${number}.${i}`);
      const path = `data/${digestOf(content)}`;
      await this.#write(path, content);
      paths.push(path);
    }
    const index = `index/i${number}`;
    await this.#write(index, JSON.stringify(paths));
    this.#indexes.set(index, paths);
    await this.#snapshot(`snapshots/s${number}.json`, [index]);
  }

  /** A snapshot of one blob. */
  async backUpLarge(content: Buffer): Promise<void> {
    const number = ++this.#count;
    const path = `data/${digestOf(content)}`;
    await this.#write(path, content);
    const index = `index/i${number}`;
    await this.#write(index, JSON.stringify([path]));
    this.#indexes.set(index, [path]);
    await this.#snapshot(`snapshots/s${number}.json`, [index]);
  }

  /** Writes a snapshot anew, under its own name. */
  async touch(): Promise<void> {
    const [first] = this.#snapshots;
    if (first !== undefined) await this.#snapshot(first[0], first[1], ++this.#count);
  }

  /** Forgets the oldest snapshot with what it alone needs. */
  async prune(): Promise<void> {
    const [oldest] = this.#snapshots;
    if (oldest === undefined) return;
    const [snapshot, indexes] = oldest;
    await this.#remove(snapshot);
    this.#snapshots.delete(snapshot);
    for (const index of indexes) await this.#removeUnneeded(index);
  }

  /** Puts the blobs of two indexes into one new one, and renames it afterwards. */
  async compact(): Promise<void> {
    const [one, two] = [...this.#indexes.keys()];
    if (one === undefined || two === undefined) return;
    const merged = `index/m${++this.#count}`;
    const paths = [...this.#indexes.get(one)!, ...this.#indexes.get(two)!];
    await this.#write(merged, JSON.stringify(paths));
    this.#indexes.set(merged, paths);
    for (const [snapshot, needs] of this.#snapshots)
      if (needs.includes(one) || needs.includes(two)) await this.#snapshot(snapshot, [merged]);
    for (const index of [one, two]) {
      await this.#remove(index);
      this.#indexes.delete(index);
    }
  }

  /** A file of the copy is taken away behind the back of the product, or cut. */
  async lose(path: string, bytes: string | null): Promise<void> {
    await this.world.damage(path, bytes);
    this.lost.add(path);
  }

  /** What is at the source after a program has encrypted all of it. */
  async encrypt(): Promise<void> {
    for (const path of [...this.world.files.keys()])
      if (path.startsWith('data/')) await this.world.write(path, `locked ${path}`);
  }

  async wipe(): Promise<void> {
    for (const path of [...this.world.files.keys()])
      if (path !== 'STORE' && !path.startsWith('snapshots/')) await this.world.remove(path);
  }

  /** What is wrong with a copy: files that are not what a file of the source ever was, and those that refer to what is not there.
   *  @param but `lost`: what it has lost may not have come again */
  async faultsOf(target: SourceRepository, but?: 'lost'): Promise<string[]> {
    const faults: string[] = [];
    const files = await filesBelow(target, `${this.world.tree}/files`);
    const isLost = (path: string) => but === 'lost' && this.lost.has(path);
    const isTorn = (path: string, bytes: Buffer) =>
      this.#contents.get(path)?.has(digestOf(bytes)) !== true;
    for (const [path, bytes] of files)
      if (isTorn(path, bytes) && !isLost(path)) faults.push(`${path} is torn`);
    if (faults.length > 0) return faults;
    for (const [path, bytes] of files) {
      if (isTorn(path, bytes)) continue;
      const needs = path.startsWith('index/')
        ? (JSON.parse(bytes.toString()) as string[])
        : path.startsWith('snapshots/')
          ? (JSON.parse(bytes.toString()) as { needs: string[] }).needs
          : [];
      for (const need of needs)
        if (!files.has(need) && !isLost(need)) faults.push(`${path} lacks ${need}`);
    }
    return faults;
  }

  async #snapshot(path: string, needs: readonly string[], touched = 0): Promise<void> {
    const number = Number(/\d+/.exec(path)![0]);
    const at = Date.UTC(2026, 10, 1) + number * 3_600_000;
    await this.#write(path, JSON.stringify({ at, needs, touched }));
    this.#snapshots.set(path, needs);
  }

  async #removeUnneeded(index: string): Promise<void> {
    if ([...this.#snapshots.values()].some((needs) => needs.includes(index))) return;
    const blobs = this.#indexes.get(index) ?? [];
    await this.#remove(index);
    this.#indexes.delete(index);
    const needed = new Set([...this.#indexes.values()].flat());
    for (const blob of blobs) if (!needed.has(blob)) await this.#remove(blob);
  }

  async #write(path: string, content: Buffer | string): Promise<void> {
    const digests = this.#contents.get(path) ?? new Set<string>();
    this.#contents.set(path, digests.add(digestOf(content)));
    await this.world.write(path, content);
  }

  async #remove(path: string): Promise<void> {
    await this.world.remove(path);
  }
}

function digestOf(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}
