import { chainFolder, jobFolder } from '../../../chain/chain-paths.js';
import { readChainRecord } from '../../../chain/chain-store.js';
import { isBackupError, isStorageFault } from '../../../domain/errors.js';
import { idOfAnyDate } from '../../../domain/sources/any-date.js';
import { quotedNames } from '../../../domain/sentences.js';
import { nameOfPathSegment } from '../../../domain/targets/path-segment.js';
import type { SourceRepository } from '../../../repository/backup-repository.js';
import { readTreeRecord } from '../../../tree/tree-store.js';

interface FormerInput {
  readonly jobId: string;
  readonly sourceRepositoryId: string;
  /** `soleFormerIds` of the workload, those that stand for all dates among them. Absent: there are none. */
  readonly formerIds?: readonly string[];
}

/** What is said of copies that lie under ids which a tree had before, in one plain sentence; null: there are none. Their files have the names that they had then, below another folder: no rename makes
 *  them copies of the tree as it is, so they stay what they are.
 *  @throws what the repository throws when it is away */
export async function formerCopiesText(
  target: SourceRepository,
  input: FormerInput,
): Promise<string | null> {
  const { jobId, formerIds = [] } = input;
  if (formerIds.length === 0) return null;
  const ids: string[] = [];
  for (const id of await idsOfJob(target, jobId)) {
    const isFormer = formerIds.includes(id) || formerIds.includes(idOfAnyDate(id));
    if (isFormer && (await holdsCopies(target, input, id))) ids.push(id);
  }
  for (const id of formerIds)
    if (!ids.includes(id) && isCut(id) && (await holdsCopies(target, input, id))) ids.push(id);
  const [first] = ids;
  if (first === undefined) return null;
  return `it had another id before, and its copies under ${quotedNames(ids)} hold its files under the names of then: they stay, and no retention removes them; \`longhaul job detach ${jobId} '${first}'\` takes them from the job, and \`longhaul restore-point remove\` removes them`;
}

/** Of the folders whose names tell it. */
async function idsOfJob(target: SourceRepository, jobId: string): Promise<string[]> {
  const entries = await target.list(jobFolder(jobId));
  return entries
    .flatMap(({ type, name }) => (type === 'folder' ? (nameOfPathSegment(name) ?? []) : []))
    .sort();
}

/** Whether the name of its folder does not tell it. */
function isCut(id: string): boolean {
  const folder = chainFolder('', id);
  return nameOfPathSegment(folder.slice(folder.lastIndexOf('/') + 1)) === null;
}

/** A record that cannot be read is told by whoever lists copies. */
async function holdsCopies(
  target: SourceRepository,
  { jobId, sourceRepositoryId }: FormerInput,
  id: string,
): Promise<boolean> {
  const folder = chainFolder(jobId, id);
  try {
    const tree = await readTreeRecord(target, folder);
    const record = tree ?? (await readChainRecord(target, folder));
    if (record?.jobId !== jobId || record.workload.id !== id) return false;
    const source = tree?.sourceRepositoryId ?? sourceOf(record.points);
    return record.points.length > 0 && source === sourceRepositoryId;
  } catch (error) {
    if (isBackupError(error) && !isStorageFault(error)) return false;
    throw error;
  }
}

function sourceOf(
  points: readonly { readonly source: { readonly repositoryId: string } }[],
): string | undefined {
  return points.at(-1)?.source.repositoryId;
}
