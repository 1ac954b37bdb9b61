import { isBackupError } from '../../../domain/errors.js';
import type { FileStamp } from '../../../domain/file-stamp.js';
import type { BackupRepository } from '../../../repository/backup-repository.js';

/** Names of one file. NTFS takes 1,024 of them, ext4 65,000: behind so many the next one begins a file of its own. */
const MOST_NAMES = 1_000;

/** Files that are told apart: each costs about 250 bytes of memory. Of those behind them each name is a file of its own. */
const MOST_FILES = 1_000_000;

interface KnownFile {
  readonly path: string;
  names: number;
  /** Of its content in the copy; null: it is not known, or changes. */
  readonly held: string | null;
}

/** Which names are names of one file (hard links), as one look sees them: an inode number is given anew once its file is gone, and file systems
 *  mounted below each other have equal ones. */
export class FileNames {
  readonly #files = new Map<string, KnownFile>();

  /** Path under which the same file was seen first; null: this is the first, and known from now on.
   *  @param proof what no other file of the same number has: the digest of its content; or, of stamps that were taken together, the time of
   *    its last change, which no program can set */
  firstOf(path: string, stamp: FileStamp, proof: string): string | null {
    return this.firstHeld(path, stamp, proof, null)?.path ?? null;
  }

  /** The same with what the copy has of it.
   *  @param held digest of what it has under `path` */
  firstHeld(
    path: string,
    stamp: FileStamp,
    proof: string,
    held: string | null,
  ): { readonly path: string; readonly held: string | null } | null {
    const key = `${stamp.inode} ${stamp.sizeBytes} ${stamp.modifiedAtNs} ${proof}`;
    const known = this.#files.get(key);
    if (known !== undefined && ++known.names <= MOST_NAMES) return known;
    if (this.#files.size < MOST_FILES) this.#files.set(key, { path, names: 1, held });
    return null;
  }
}

/** Whether files can have several names in this folder: tried, for no file system tells.
 *  @param folder of unfinished work, which is there */
export async function canGiveNames(repository: BackupRepository, folder: string): Promise<boolean> {
  const { link } = repository;
  if (link === null) return false;
  const names = { from: `${folder}/name`, to: `${folder}/other-name` };
  await repository.put(names.from, Buffer.alloc(0));
  try {
    await link.call(repository, [names], folder);
    const [one, other] = [await repository.stat(names.from), await repository.stat(names.to)];
    // Where each name has a number of its own, nothing would tell later that they are one file.
    return one !== null && one.stamp.inode === other?.stamp.inode;
  } catch (error) {
    // FAT says that it is not permitted.
    const isFinal =
      isBackupError(error, 'REPOSITORY_UNSUITED') || isBackupError(error, 'REPOSITORY_READ_ONLY');
    if (!isFinal) throw error;
    return false;
  } finally {
    await repository.remove(names.from, names.to);
  }
}
