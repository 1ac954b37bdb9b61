import type { BackupRepository } from '../../../repository/backup-repository.js';
import { lineOf, LineWriter, type IndexLine } from '../../../tree/file-index.js';
import { readIndex } from '../../../tree/read-index.js';
import { indexPath, INDEX_FOLDER } from '../../../tree/tree-paths.js';
import type { ClassIndex, IndexRun, TreeRecord } from '../../../tree/tree-record.js';
import { treeStaged } from '../tree-plan.js';

/** Writes a run of entries. @returns it; one without entries is not kept */
export async function writeRun(
  target: BackupRepository,
  tree: string,
  name: string,
  parts: AsyncIterable<readonly IndexLine[]>,
): Promise<IndexRun> {
  const work = `${treeStaged.folder(tree)}/${name}`;
  await target.makePlace(treeStaged.folder(tree));
  const file = await target.openWork(work, name);
  let end: { readonly entryCount: number; readonly digest: string };
  try {
    const writer = new LineWriter(file);
    for await (const part of parts)
      for (const line of part) {
        const wait = writer.add(lineOf(line));
        if (wait !== undefined) await wait;
      }
    end = await writer.end();
  } finally {
    await file.close();
  }
  if (end.entryCount > 0) await target.move([{ from: work, to: indexPath(tree, name) }], tree);
  else await target.remove(work);
  return { name, ...end };
}

/** Runs that together are this large in parts of the first are made one; each look reads all of them. */
const COMPACT_SHARE = 0.25;
const MOST_RUNS = 8;

/** The index with fewer runs, where they are many or large. */
export async function compactedRuns(
  target: BackupRepository,
  tree: string,
  index: ClassIndex,
  name: string,
): Promise<ClassIndex> {
  const [base, ...later] = index.runs;
  const laterCount = later.reduce((sum, { entryCount }) => sum + entryCount, 0);
  const isSmall = laterCount <= COMPACT_SHARE * (base?.entryCount ?? 0);
  if (later.length === 0 || (isSmall && later.length < MOST_RUNS)) return index;
  const whole = name.replace(/\.run$/, '-whole.run');
  const run = await writeRun(target, tree, whole, readIndex(target, tree, index));
  return { ...index, runs: run.entryCount === 0 ? [] : [run] };
}

/** Runs that a commit was stopped before it listed them, or that another one took the place of, and tables that were. */
export async function removeReplaced(
  target: BackupRepository,
  tree: string,
  { index, pending }: Pick<TreeRecord, 'index' | 'pending'>,
  replacedTables: readonly string[] = [],
): Promise<void> {
  const listed = new Set([
    ...index.flatMap(({ runs }) => runs.map(({ name }) => name)),
    ...(pending?.runs ?? []).map(({ run }) => run.name),
  ]);
  const entries = await target.list(`${tree}/${INDEX_FOLDER}`);
  const stale = entries.filter(({ name }) => name.endsWith('.run') && !listed.has(name));
  await target.remove(
    ...stale.map(({ path }) => path),
    ...replacedTables.map((table) => indexPath(tree, table)),
  );
}
