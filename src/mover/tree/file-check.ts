import { hash } from 'node:crypto';
import { isBackupError, isStorageFault } from '../../domain/errors.js';
import { WINDOW_BLOCKS, WINDOW_BYTES } from '../../domain/targets/digest.js';
import { faultOfSourceFile } from '../../domain/trees/one-file-fault.js';
import type { FileFinding } from '../../domain/trees/tree-damage.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { ReadableFile, SourceRepository } from '../../repository/backup-repository.js';
import type { FileEntry } from '../../tree/file-index.js';
import { indexPath, treeFile } from '../../tree/tree-paths.js';
import { hashFile } from '../blocks/file-digest.js';
import { UnitVerifier } from '../blocks/verify-units.js';
import { withOpenFiles } from '../task/open-files.js';
import type { TaskControl } from '../task/task-control.js';

/** What was copied as it is cannot be healed. */
export function isFine(finding: FileFinding): boolean {
  return finding === 'good' || finding === 'unsound';
}

/** Compares files of a tree with what the index says. */
export class FileCheck {
  constructor(
    private readonly repository: SourceRepository,
    private readonly tree: string,
    private readonly control: TaskControl,
    private readonly rules: Pick<TreeRules, 'digestInName' | 'isSound'>,
  ) {}

  async small({ path, stamp, digest }: FileEntry): Promise<FileFinding> {
    this.control.throwIfStopped();
    return this.#judged(async () =>
      withOpenFiles(async (files) => {
        const file = files.add(await this.repository.openRead(treeFile(this.tree, path)));
        const length = await lengthFinding(file, stamp.sizeBytes);
        if (length !== 'good') return length;
        const bytes = Buffer.alloc(stamp.sizeBytes);
        const count = await file.read(bytes, 0);
        this.control.add('readBytes', count);
        const found = hash('sha256', bytes, 'hex');
        if (count < bytes.length || found !== digest) return 'changed';
        if (this.#isMisnamed(path, found)) return 'misnamed';
        return this.rules.isSound?.(path, bytes) === false ? 'unsound' : 'good';
      }),
    );
  }

  /** @param part of 8 MiB; null: all of it */
  async large(entry: FileEntry, part: number | null): Promise<FileFinding> {
    const { path, stamp, digest, table } = entry;
    const [filePath, tablePath] = [treeFile(this.tree, path), indexPath(this.tree, table!)];
    return this.#judged(async () => {
      const length = await withOpenFiles(async (files) =>
        lengthFinding(files.add(await this.repository.openRead(filePath)), stamp.sizeBytes),
      );
      if (length !== 'good') return length;
      // Once for a file: the table of a terabyte has half a gigabyte.
      const isFirst = part === null || part === 0;
      if (isFirst && !(await this.#isSoundTable(tablePath, digest))) return 'undigested';
      return withOpenFiles(async (files) => {
        const verifier = files.add(await UnitVerifier.open(this.repository, filePath, tablePath));
        const first = (part ?? 0) * WINDOW_BLOCKS;
        const end = part === null ? verifier.units.count : first + WINDOW_BLOCKS;
        for (let unit = first; unit < Math.min(end, verifier.units.count); unit += WINDOW_BLOCKS) {
          this.control.throwIfStopped();
          const count = Math.min(WINDOW_BLOCKS, verifier.units.count - unit);
          const bad = await verifier.badUnits(unit, count);
          this.control.add('readBytes', Math.min(WINDOW_BYTES, stamp.sizeBytes));
          if (bad.length > 0) return 'changed';
        }
        if (part !== null || (this.rules.digestInName?.(path) ?? null) === null) return 'good';
        const file = files.add(await this.repository.openRead(filePath));
        return this.#isMisnamed(path, await hashFile(file, this.control)) ? 'misnamed' : 'good';
      });
    });
  }

  #isMisnamed(path: string, digest: string): boolean {
    const claimed = this.rules.digestInName?.(path) ?? null;
    return claimed !== null && claimed !== digest;
  }

  async #isSoundTable(path: string, digest: string): Promise<boolean> {
    if ((await this.repository.stat(path)) === null) return false;
    return withOpenFiles(async (files) => {
      const file = files.add(await this.repository.openRead(path));
      return (await hashFile(file, this.control)) === digest;
    });
  }

  /** What storage says of one file is a finding; what it says of itself is none. */
  async #judged(look: () => Promise<FileFinding>): Promise<FileFinding> {
    try {
      return await look();
    } catch (error) {
      if (isBackupError(error, 'FILE_MISSING')) return 'missing';
      if (!isBackupError(error)) throw error;
      if (isStorageFault(error) && faultOfSourceFile(error) === null) throw error;
      return 'unreadable';
    }
  }
}

async function lengthFinding(file: ReadableFile, sizeBytes: number): Promise<FileFinding> {
  const { sizeBytes: found } = await file.stamp();
  if (found === sizeBytes) return 'good';
  return found < sizeBytes ? 'short' : 'longer';
}
