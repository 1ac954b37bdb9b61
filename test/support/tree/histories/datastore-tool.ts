import type { SeededRandom } from '../../fuzz/seeded-random.js';
import { blobFile, chunkPath, fixedIndexFile } from '../datastore.js';
import { sha256, type SourceFiles } from './source-files.js';
import type { SourceTool, Steps, ToolOperation } from './source-tools.js';

const GROUP = 'vm/100';
const INDEX_HEAD_BYTES = 4_096;
const DIGEST_BYTES = 32;
const BLOB_HEAD_BYTES = 12;

/** The server of a datastore: chunks, then the index that names them, then the manifest that names the index. What a snapshot alone needed stays until garbage is collected.
 *  Source: proxmox-backup, pbs-datastore/src. */
export class DatastoreTool implements SourceTool {
  /** Oldest first. */
  #snapshots: string[] = [];
  #count = 0;

  constructor(readonly files: SourceFiles) {}

  async begin(): Promise<void> {
    await this.files.write(`${GROUP}/owner`, 'root@pam');
    for await (const _ of this.#backUp(['first'])) continue;
  }

  async *work(operation: ToolOperation, random: SeededRandom): Steps {
    switch (operation) {
      case 'backUp':
      case 'append':
      case 'sparse':
        return yield* this.#backUp(
          Array.from({ length: 1 + random.below(5) }, () => `chunk ${random.below(24)}`),
        );
      case 'prune':
        return yield* this.#prune();
      case 'compact':
      case 'rename':
        return yield* this.#collect();
      // A verification notes in the manifest what it found.
      case 'touch':
        return yield* this.#manifest(random.oneOf(this.#snapshots));
      case 'remake':
        yield await this.files.write(`${GROUP}/notes`, `note ${random.below(100)}`);
        return;
      case 'wipe':
        for (const path of this.#chunks()) yield await this.files.remove(path);
        return;
      case 'encrypt':
        for (const path of this.#chunks()) yield await this.files.write(path, locked(path));
        return;
      case 'encryptUnderNewNames':
        for (const path of this.#chunks()) {
          await this.files.write(`${path}.locked`, locked(path));
          yield await this.files.remove(path);
        }
    }
  }

  points(): ReadonlyMap<string, readonly string[]> {
    const shown = this.#snapshots.filter((id) => this.files.now(this.pointFile(id)) !== null);
    return new Map(
      shown.map((id) => {
        const manifest = this.pointFile(id);
        const own = this.needsOf(manifest, this.files.now(manifest)!);
        const named = own.flatMap((path) => {
          const bytes = this.files.now(path);
          return bytes === null ? [] : this.needsOf(path, bytes);
        });
        return [id, [manifest, ...own, ...named]];
      }),
    );
  }

  pointFile(id: string): string {
    return `${id}/index.json.blob`;
  }

  isData(path: string): boolean {
    return path.startsWith('.chunks/');
  }

  needsOf(path: string, bytes: Buffer): readonly string[] {
    if (path.endsWith('/index.json.blob')) {
      const { files } = JSON.parse(bytes.subarray(BLOB_HEAD_BYTES).toString()) as Manifest;
      return files.map(({ filename }) => path.replace('index.json.blob', filename));
    }
    if (!path.endsWith('.fidx')) return [];
    const needs: string[] = [];
    for (let at = INDEX_HEAD_BYTES; at < bytes.length; at += DIGEST_BYTES)
      needs.push(chunkPath(bytes.toString('hex', at, at + DIGEST_BYTES)));
    return [...new Set(needs)];
  }

  grows(): boolean {
    return false;
  }

  #chunks(): string[] {
    return this.files.paths.filter((path) => /^\.chunks\/.{4}\/[0-9a-f]{64}$/.test(path));
  }

  async *#backUp(contents: readonly string[]): Steps {
    for (const content of contents) {
      const path = chunkPath(sha256(content));
      if (this.files.now(path) === null) yield await this.files.write(path, blobFile(content));
    }
    // No two backups of a group begin in one second.
    const moment = new Date(this.files.trueMs + 1_000 * ++this.#count).toISOString();
    const id = `${GROUP}/${moment.slice(0, 19)}Z`;
    yield await this.files.write(`${id}/disk.img.fidx`, fixedIndexFile(contents.map(sha256)));
    yield await this.files.write(`${id}/qemu-server.conf.blob`, blobFile(`config ${id}`));
    this.#snapshots.push(id);
    yield* this.#manifest(id);
  }

  async *#manifest(id: string): Steps {
    const files = ['disk.img.fidx', 'qemu-server.conf.blob'].map((filename) => ({ filename }));
    const manifest: Manifest = { files, verified: ++this.#count };
    yield await this.files.write(this.pointFile(id), blobFile(JSON.stringify(manifest)));
  }

  /** The oldest snapshot, as a whole. */
  async *#prune(): Steps {
    if (this.#snapshots.length < 2) return;
    const id = this.#snapshots.shift()!;
    yield await this.files.remove(this.pointFile(id));
    for (const path of this.files.paths)
      if (path.startsWith(`${id}/`)) yield await this.files.remove(path);
  }

  async *#collect(): Steps {
    const needed = new Set(
      this.files.paths.flatMap((path) => this.needsOf(path, this.files.now(path)!)),
    );
    for (const path of this.#chunks()) if (!needed.has(path)) yield await this.files.remove(path);
  }
}

interface Manifest {
  readonly files: readonly { readonly filename: string }[];
  readonly verified: number;
}

function locked(path: string): string {
  return `locked ${path} and longer than it was before, whatever that may have been`;
}
