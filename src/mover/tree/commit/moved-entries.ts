import { compareBytes } from '../../../domain/byte-order.js';
import { classOf, type TreeRules } from '../../../domain/trees/tree-rules.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import type { FileEntry, IndexLine } from '../../../tree/file-index.js';
import { readIndex } from '../../../tree/read-index.js';
import { SortedStream } from '../../../tree/sorted-stream.js';
import { indexRunName } from '../../../tree/tree-paths.js';
import type { ClassIndex } from '../../../tree/tree-record.js';
import { knownFiles } from '../whole-tree.js';
import { writeRun } from './index-runs.js';

interface MovedEntries {
  readonly index: readonly ClassIndex[];
  /** Digest tables that no entry names any more. */
  readonly replacedTables: readonly string[];
}

/** The index without entries of classes that do not take their paths any more in this release, as far as the class that does has them by now: else what is
 *  gone from the one class would be removed, under the name that the other has copied. What has no entry there yet stays, and is looked for each time.
 *  @param index with what was copied, a class for each of the rules
 *  @param revision of the record that lists it first */
export async function withoutMoved(
  target: BackupRepository,
  tree: string,
  rules: TreeRules,
  index: readonly ClassIndex[],
  revision: number,
): Promise<MovedEntries> {
  const isAsBefore = index.every(({ match }, at) => match === rules.classes[at]!.match.source);
  if (isAsBefore) return { index, replacedTables: [] };
  const replacedTables: string[] = [];
  const after: ClassIndex[] = [];
  let leftCount = 0;
  for (const [classIndex, before] of index.entries()) {
    const gone = { fileCount: 0, sizeBytes: 0, goneCount: 0 };
    const lines = async function* (): AsyncGenerator<readonly IndexLine[]> {
      const others = { index: index.filter((one) => one !== before) };
      for await (const pairs of foreignIn(target, tree, rules, { classIndex, before, others })) {
        const moved = pairs.filter(({ now }) => now !== null);
        leftCount += pairs.length - moved.length;
        for (const { entry, now } of moved) {
          gone.fileCount++;
          gone.sizeBytes += entry.stamp.sizeBytes;
          if (entry.goneSinceMs !== null) gone.goneCount++;
          if (entry.table !== null && entry.table !== now!.table) replacedTables.push(entry.table);
        }
        yield moved.map(({ entry: { path } }) => ({ path, isRemoved: true }));
      }
    };
    const name = indexRunName(revision, classIndex).replace(/\.run$/, '-moved.run');
    const run = await writeRun(target, tree, name, lines());
    after.push({
      ...before,
      fileCount: before.fileCount - gone.fileCount,
      sizeBytes: before.sizeBytes - gone.sizeBytes,
      goneCount: before.goneCount - gone.goneCount,
      runs: run.entryCount === 0 ? before.runs : [...before.runs, run],
    });
  }
  const matchOf = (at: number) =>
    leftCount === 0 ? rules.classes[at]!.match.source : index[at]!.match;
  return { index: after.map((one, at) => ({ ...one, match: matchOf(at) })), replacedTables };
}

/** Entries of a class whose paths another one takes, each with what that has. */
async function* foreignIn(
  target: SourceRepository,
  tree: string,
  rules: TreeRules,
  place: {
    readonly classIndex: number;
    readonly before: ClassIndex;
    readonly others: { readonly index: readonly ClassIndex[] };
  },
): AsyncGenerator<readonly { readonly entry: FileEntry; readonly now: FileEntry | null }[]> {
  const others = await SortedStream.of(knownFiles(target, tree, place.others));
  try {
    for await (const entries of readIndex(target, tree, place.before)) {
      const found: { entry: FileEntry; now: FileEntry | null }[] = [];
      for (const entry of entries) {
        if (classOf(rules, entry.path) === place.classIndex) continue;
        while (others.current !== null && compareBytes(others.current.path, entry.path) < 0)
          await others.advance();
        const now = others.current?.path === entry.path ? others.current : null;
        found.push({ entry, now });
      }
      yield found;
    }
  } finally {
    await others.close();
  }
}
