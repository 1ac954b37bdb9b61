import type { SeededRandom } from '../../fuzz/seeded-random.js';
import { sha256, type SourceFiles } from './source-files.js';

/** What a tool does to its files, one change at each step: between two of them anything may happen. */
export type Steps = AsyncGenerator<void, void>;

/** A backup tool and its files. */
export interface SourceTool {
  readonly files: SourceFiles;
  begin(): Promise<void>;
  work(operation: ToolOperation, random: SeededRandom): Steps;
  /** Files without which the point is worth nothing, and the point itself: by its id, of those that the tool shows as whole now. */
  points(): ReadonlyMap<string, readonly string[]>;
  /** What this file of a copy refers to. */
  needsOf(path: string, bytes: Buffer): readonly string[];
  grows(path: string): boolean;
  /** The file by which a store shows a point. */
  pointFile(id: string): string;
  /** Whether a file has data that others refer to. */
  isData(path: string): boolean;
}

export const TOOL_OPERATIONS = [
  ...['backUp', 'append', 'prune', 'compact', 'touch', 'rename', 'remake', 'sparse'],
] as const;
export const DISASTERS = ['wipe', 'encrypt', 'encryptUnderNewNames'] as const;
export type Disaster = (typeof DISASTERS)[number];
export type ToolOperation =
  'backUp' | 'append' | 'prune' | 'compact' | 'touch' | 'rename' | 'remake' | 'sparse' | Disaster;

/** A file larger than one window, nearly all of it holes. */
const SPARSE_BYTES = 9 * 1024 * 1024 + 77;

/** The tool of a store, writing what is referred to before what refers to it, and removing the other way round. */
export class StoreTool implements SourceTool {
  readonly #snapshots = new Map<string, readonly string[]>();
  #count = 0;

  constructor(readonly files: SourceFiles) {}

  async begin(): Promise<void> {
    await this.files.write('STORE', 'v1');
    await this.files.write('data/first', 'the first');
    await this.files.write('index/first', JSON.stringify(['data/first']));
  }

  async *work(operation: ToolOperation, random: SeededRandom): Steps {
    switch (operation) {
      case 'backUp':
      case 'append':
        return yield* this.#backUp(Array.from({ length: 1 + random.below(5) }, () => blob(random)));
      case 'sparse': {
        const bytes = Buffer.alloc(SPARSE_BYTES);
        bytes.writeUInt32LE(1 + random.below(3), random.below(3) * 4 * 1024 * 1024);
        return yield* this.#backUp([bytes]);
      }
      case 'prune':
        return yield* this.#prune();
      case 'compact':
      case 'rename':
        return yield* this.#compact(operation === 'rename');
      case 'touch':
        return yield* this.#anew(random, false);
      case 'remake':
        return yield* this.#anew(random, true);
      case 'wipe':
        for (const path of this.#blobs()) yield await this.files.remove(path);
        return;
      case 'encrypt':
        for (const path of this.#blobs()) yield await this.files.write(path, locked(path));
        return;
      case 'encryptUnderNewNames':
        for (const path of this.#blobs()) {
          await this.files.write(`${path}.locked`, locked(path));
          yield await this.files.remove(path);
        }
    }
  }

  points(): ReadonlyMap<string, readonly string[]> {
    return new Map(
      [...this.#snapshots]
        .filter(([path]) => this.files.now(path) !== null)
        .map(([path, needs]) => [
          path.replace(/^snapshots\/|\.json$/g, ''),
          [
            path,
            ...needs,
            ...needs.flatMap((index) => this.needsOf(index, this.files.now(index)!)),
          ],
        ]),
    );
  }

  needsOf(path: string, bytes: Buffer): readonly string[] {
    if (path.startsWith('index/')) return JSON.parse(bytes.toString()) as string[];
    if (!path.startsWith('snapshots/')) return [];
    return (JSON.parse(bytes.toString()) as { needs: string[] }).needs;
  }

  grows(): boolean {
    return false;
  }

  pointFile(id: string): string {
    return `snapshots/${id}.json`;
  }

  isData(path: string): boolean {
    return path.startsWith('data/');
  }

  #blobs(): string[] {
    return this.files.paths.filter((path) => path.startsWith('data/'));
  }

  async *#backUp(contents: readonly Buffer[]): Steps {
    const paths = [...new Set(contents.map((content) => `data/${sha256(content)}`))];
    for (const content of contents) {
      const path = `data/${sha256(content)}`;
      if (this.files.now(path) === null) yield await this.files.write(path, content);
    }
    const number = ++this.#count;
    yield await this.files.write(`index/i${number}`, JSON.stringify(paths));
    yield await this.#snapshot(`snapshots/s${number}.json`, [`index/i${number}`]);
  }

  /** Forgets the oldest snapshot, and then what nothing refers to. */
  async *#prune(): Steps {
    const [oldest] = this.#snapshots.keys();
    if (oldest === undefined || this.#snapshots.size < 2) return;
    this.#snapshots.delete(oldest);
    yield await this.files.remove(oldest);
    yield* this.#removeUnneeded();
  }

  async *#removeUnneeded(): Steps {
    const kept = new Set(['index/first', ...[...this.#snapshots.values()].flat()]);
    const indexes = this.files.paths.filter((path) => path.startsWith('index/'));
    for (const path of indexes) if (!kept.has(path)) yield await this.files.remove(path);
    const needed = new Set([...kept].flatMap((path) => this.needsOf(path, this.files.now(path)!)));
    for (const path of this.#blobs()) if (!needed.has(path)) yield await this.files.remove(path);
  }

  /** Two indexes become one; or one gets another name. Snapshots are written anew under their names before the old ones go. */
  async *#compact(isRename: boolean): Steps {
    const used = [...new Set([...this.#snapshots.values()].flat())].slice(0, isRename ? 1 : 2);
    if (used.length === 0) return;
    const merged = `index/m${++this.#count}`;
    const paths = used.flatMap((path) => this.needsOf(path, this.files.now(path)!));
    yield await this.files.write(merged, JSON.stringify(paths));
    for (const [path, needs] of this.#snapshots)
      if (needs.some((need) => used.includes(need))) {
        const rest = needs.filter((need) => !used.includes(need));
        yield await this.#snapshot(path, [merged, ...rest]);
      }
    yield* this.#removeUnneeded();
  }

  /** The same content in another file under the same name. */
  async *#anew(random: SeededRandom, isRemovedBefore: boolean): Steps {
    const path = random.oneOf([...this.#snapshots.keys(), 'index/first']);
    const bytes = this.files.now(path)!;
    if (isRemovedBefore && path !== 'index/first') yield await this.files.remove(path);
    yield await this.files.write(path, bytes);
  }

  async #snapshot(path: string, needs: readonly string[]): Promise<void> {
    const before = this.files.now(path)?.toString();
    const { at } = before === undefined ? { at: this.files.trueMs } : (JSON.parse(before) as Made);
    await this.files.write(path, JSON.stringify({ at, needs }));
    this.#snapshots.set(path, needs);
  }
}

interface Made {
  readonly at: number;
}

/** Of few contents, so that what was removed comes back. */
function blob(random: SeededRandom): Buffer {
  return Buffer.alloc(40, 1 + random.below(24));
}

function locked(path: string): string {
  return `locked ${path} and longer than it was before, whatever that may have been`;
}

/** The tool of a database: parts of a full and then its mark, logs that grow, names that are used again. */
export class DatabaseTool implements SourceTool {
  #full = 0;
  #logs = 0;

  constructor(readonly files: SourceFiles) {}

  async begin(): Promise<void> {
    for await (const _ of this.#writeFull(1, ['a', 'b'])) continue;
  }

  async *work(operation: ToolOperation, random: SeededRandom): Steps {
    switch (operation) {
      case 'backUp':
        return yield* this.#writeFull(this.#full + 1, ['a', 'b', 'c'].slice(random.below(3)));
      case 'sparse': {
        const bytes = Buffer.alloc(SPARSE_BYTES);
        bytes.writeUInt32LE(1 + random.below(100), 5 * 1024 * 1024);
        return yield* this.#writeFull(this.#full + 1, ['a'], bytes);
      }
      case 'append':
        return yield* this.#append(random);
      case 'prune':
        return yield* this.#prune();
      case 'touch':
      case 'remake':
        return yield* this.#anew(random, operation === 'remake');
      case 'rename':
      case 'compact':
        return;
      case 'wipe':
        for (const path of this.#parts()) yield await this.files.remove(path);
        return;
      case 'encrypt':
      case 'encryptUnderNewNames':
        for (const path of this.#parts()) yield await this.files.write(path, locked(path));
    }
  }

  points(): ReadonlyMap<string, readonly string[]> {
    const points = new Map<string, readonly string[]>();
    const { paths } = this.files;
    for (const mark of paths.filter((path) => path.endsWith('.done'))) {
      const id = mark.replace('.done', '');
      const parts = paths.filter((path) => path.startsWith(`${id}.`));
      points.set(id, parts);
      let needs = parts;
      for (const log of paths.filter((path) => path.startsWith(`log-${id.slice(3)}-`)).sort()) {
        needs = [...needs, log];
        points.set(log.replace('.log', ''), needs);
      }
    }
    return points;
  }

  needsOf(): readonly string[] {
    return [];
  }

  grows(path: string): boolean {
    return path.endsWith('.log');
  }

  pointFile(id: string): string {
    return `${id}.done`;
  }

  isData(path: string): boolean {
    return path.endsWith('.set');
  }

  #parts(): string[] {
    return this.files.paths.filter((path) => !path.endsWith('.done'));
  }

  async *#writeFull(day: number, parts: readonly string[], content?: Buffer): Steps {
    this.#full = day;
    this.#logs = 0;
    for (const part of parts)
      yield await this.files.write(`${this.#name()}.${part}.set`, content ?? `full ${day} ${part}`);
    yield await this.files.write(`${this.#name()}.done`, '');
  }

  /** Of the last full, the last log grows or the next one begins. */
  async *#append(random: SeededRandom): Steps {
    if (this.#logs === 0 || (random.below(2) === 0 && this.#logs < 9)) this.#logs++;
    const path = `log-${this.#name().slice(3)}-${this.#logs}.log`;
    yield await this.files.append(path, Buffer.from(`entry ${random.below(1_000)};`));
  }

  /** The oldest full goes, the mark first, with its logs. */
  async *#prune(): Steps {
    const days = this.files.paths.filter((path) => path.endsWith('.done')).sort();
    if (days.length < 4) return;
    const day = days[0]!.slice(3, -5);
    yield await this.files.remove(days[0]!);
    for (const path of this.files.paths)
      if (path.startsWith(`db-${day}.`) || path.startsWith(`log-${day}-`))
        yield await this.files.remove(path);
  }

  async *#anew(random: SeededRandom, isRemovedBefore: boolean): Steps {
    const path = random.oneOf(this.files.paths.filter((name) => name.endsWith('.done')));
    if (isRemovedBefore) yield await this.files.remove(path);
    yield await this.files.write(path, '');
  }

  /** Two digits, so that the names are in the order of the days. */
  #name(): string {
    return `db-${String(this.#full).padStart(2, '0')}`;
  }
}
