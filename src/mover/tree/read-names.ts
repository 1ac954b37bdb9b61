import type { NamingFiles } from '../../domain/trees/tree-rules.js';
import type { SourceRepository } from '../../repository/backup-repository.js';
import { withOpenFiles } from '../task/open-files.js';
import type { TaskControl } from '../task/task-control.js';

/** Tells each path that a file names, relative to the tree.
 *  @returns what is wrong with the file itself, as the end of a sentence; null: nothing
 *  @throws FILE_MISSING */
export async function readNames(
  repository: SourceRepository,
  control: TaskControl,
  path: string,
  read: NamingFiles['read'],
  onName: (named: string) => void,
): Promise<string | null> {
  return withOpenFiles(async (files) => {
    const file = files.add(await repository.openRead(path));
    const { sizeBytes } = await file.stamp();
    const readPart = async (offset: number, length: number) => {
      control.throwIfStopped();
      const bytes = new Uint8Array(length);
      return bytes.subarray(0, await file.read(bytes, offset));
    };
    return read({ sizeBytes, read: readPart }, onName);
  });
}
