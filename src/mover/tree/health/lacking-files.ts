import { FaultList, type FileFault, type FileFaults } from '../../../domain/trees/file-faults.js';
import { FILE_FINDINGS, findingText, type LostFile } from '../../../domain/trees/tree-damage.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import type { MoverContext } from '../../task/mover-context.js';
import { followNames } from './follow-names.js';
import { keptOutcomes } from './kept-lists.js';
import { checkedFiles, type TreeCheck } from './plan-check.js';
import { rulesOf } from '../rules-of-copy.js';
import type { RepairTreeInput } from './repair-tree.js';

/** What a store lacks, as its own files tell. */
interface LackingFiles {
  /** Files that the points named by them cannot do without: those that are lost, but for those that only count where they are named, and those that name what is
   *  not there or are not what they should be. */
  readonly needed: readonly LostFile[];
  /** Of those that are lost, the ones that only count where they are named. */
  readonly lostNamed: readonly string[];
  readonly faults: FileFaults;
}

/** As many as a record holds. More of them is a store of which little is left: then any point may need each. */
const MOST_NAMED = 1_000;

/** @throws STAGING_INVALID when the notes of the check are gone */
export async function lackingFiles(
  context: MoverContext,
  { targetRepositoryId, chain, reference }: RepairTreeInput,
  check: TreeCheck,
  record: TreeRecord,
  lost: readonly LostFile[],
): Promise<LackingFiles> {
  const { names, isSound } = rulesOf(record);
  if (names === undefined) return { needed: lost, lostNamed: [], faults: new FaultList().faults };
  const repository = await context.repository(targetRepositoryId);
  const files = checkedFiles(repository, chain, reference);
  const unsound = new Map<string, FileEntry>();
  if (isSound !== undefined)
    for await (const outcomes of keptOutcomes(files, check.listed))
      for (const { entry, noted } of outcomes)
        if (noted.includes(UNSOUND)) unsound.set(entry.path, entry);
  const lostPaths = new Set(lost.map(({ path }) => path));
  const isThere = ({ path, digest }: FileEntry): boolean =>
    !lostPaths.has(path) && unsound.get(path)?.digest !== digest;
  const followed = await followNames(repository, context.control, chain, record, names, isThere);
  const faults: FileFault[] = [...unsound.keys()].map((path) => ({
    path,
    reason: findingText('unsound'),
  }));
  faults.push(...followed);
  const told = new FaultList();
  for (const fault of faults) told.add(fault);
  const isOnlyNamed = ({ path }: { readonly path: string }) => names.named.test(path);
  const lostNamed = lost.filter(isOnlyNamed);
  const isJudged = lostNamed.length <= MOST_NAMED;
  return {
    needed: [
      ...lost.filter((file) => !isJudged || !isOnlyNamed(file)),
      ...faults
        .filter((fault) => !isOnlyNamed(fault))
        .map(({ path }) => ({ path, goneSinceMs: null })),
    ],
    lostNamed: isJudged ? lostNamed.map(({ path }) => path) : [],
    faults: told.faults,
  };
}

const UNSOUND = FILE_FINDINGS.indexOf('unsound');
