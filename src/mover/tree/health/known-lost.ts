import type { FileFinding } from '../../../domain/trees/tree-damage.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { TaskControl } from '../../task/task-control.js';
import { FileCheck, isFine } from '../file-check.js';
import { rulesOf } from '../rules-of-copy.js';
import { partsOfEntry, readWhole } from '../file-parts.js';
import { filesNeededBy } from './plan-check.js';

/** What the files are by now that the record lists as lost. The notes of a check may be older than a loss: a session, or the check of a point, may have found
 *  it since the file was read.
 *  @param pointId whose files are asked for; null: all
 *  @returns null: it is not among them, or is as it was copied */
export function lostNow(
  control: TaskControl,
  repository: SourceRepository,
  tree: string,
  record: TreeRecord,
  pointId: string | null,
): (entry: FileEntry) => Promise<FileFinding | null> | null {
  const { isNeeded } = filesNeededBy(record, pointId);
  const digests = new Map(record.lost?.files.map(({ path, digest }) => [path, digest]));
  const { digestInName, isSound } = rulesOf(record);
  const check = new FileCheck(repository, tree, control, { digestInName, isSound });
  const isRead = readWhole(digestInName);
  const found = async (entry: FileEntry): Promise<FileFinding | null> => {
    if (entry.table === null) return wrong(await check.small(entry));
    if (isRead(entry)) return wrong(await check.large(entry, null));
    for (let part = 0; part < partsOfEntry(entry); part++) {
      const finding = wrong(await check.large(entry, part));
      if (finding !== null) return finding;
    }
    return null;
  };
  return (entry) =>
    digests.get(entry.path) === entry.digest && isNeeded(entry.path) ? found(entry) : null;
}

function wrong(finding: FileFinding): FileFinding | null {
  return isFine(finding) ? null : finding;
}
