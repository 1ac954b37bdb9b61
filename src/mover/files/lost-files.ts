import { hash } from 'node:crypto';
import { QUARANTINE_FOLDER } from '../../chain/chain-paths.js';
import { FaultList, type FileFaults } from '../../domain/trees/file-faults.js';
import { isBackupError } from '../../domain/errors.js';
import { WINDOW_BYTES } from '../../domain/targets/digest.js';
import {
  findingText,
  pointsThatNeed,
  type FileFinding,
  type LostFile,
} from '../../domain/trees/tree-damage.js';
import { keptTraits, type TreeRules } from '../../domain/trees/tree-rules.js';
import type { BackupRepository } from '../../repository/backup-repository.js';
import type { FileEntry } from '../../tree/file-index.js';
import { SortedStream, walkBoth } from '../../tree/sorted-stream.js';
import { treeFile } from '../../tree/tree-paths.js';
import type { TreeRecord } from '../../tree/tree-record.js';
import { knownFiles, lyingFiles, type LyingFile } from './whole-tree.js';
import { withOpenFiles } from '../task/open-files.js';

/** Files of the copy that are not there as they were copied, as far as a look at their folders tells. */
export interface LostFiles {
  readonly byPath: ReadonlyMap<string, FileFinding>;
  /** There are more, which the next look finds. */
  readonly isMore: boolean;
}

export const NOTHING_LOST: LostFiles = { byPath: new Map(), isMore: false };

/** In memory until they are listed: some 20 MB. */
const MOST_LOST = 100_000;

/** The coarsest times that a file system keeps are those of FAT. */
const COARSEST_TIME_NS = 2_000_000_000n;

/** Compares what lies there with the index: names, lengths and times. A small file with another time than it was given is read, and gets its time back when
 *  it is right. What a large one holds only a health check tells, and so it is with files that were changed behind their times. */
export async function findLost(
  target: BackupRepository,
  tree: string,
  record: Pick<TreeRecord, 'index'>,
  { keeps }: Pick<TreeRules, 'keeps'>,
): Promise<LostFiles> {
  const byPath = new Map<string, FileFinding>();
  let isMore = false;
  const add = (path: string, finding: FileFinding) => {
    if (byPath.size < MOST_LOST) byPath.set(path, finding);
    else isMore = true;
  };
  const tellsTimes =
    keeps.times && target.setFileTraits !== undefined && target.capabilities.stampsProve;
  const lying = await SortedStream.of(lyingFiles(target, tree));
  const known = await SortedStream.of(knownFiles(target, tree, record));
  await walkBoth(lying, known, (lies, entry) => {
    if (entry === null) return undefined;
    const { path } = entry;
    if (lies === null) add(path, 'missing');
    else if (lies.type !== 'file') add(path, 'unreadable');
    else if (lies.stamp.sizeBytes < entry.stamp.sizeBytes) add(path, 'short');
    else if (lies.stamp.sizeBytes > entry.stamp.sizeBytes) add(path, 'longer');
    else if (tellsTimes && isTouched(lies, entry))
      return isAsCopied(target, tree, entry, { keeps }).then((isRight) => {
        if (!isRight) add(path, 'changed');
      });
    return undefined;
  });
  return { byPath, isMore };
}

function isTouched({ stamp }: LyingFile, entry: FileEntry): boolean {
  if (stamp.modifiedAtNs === entry.stamp.modifiedAtNs || entry.table !== null) return false;
  const [there, copied] = [BigInt(stamp.modifiedAtNs), BigInt(entry.stamp.modifiedAtNs)];
  const apart = there > copied ? there - copied : copied - there;
  return apart > COARSEST_TIME_NS;
}

async function isAsCopied(
  target: BackupRepository,
  tree: string,
  entry: FileEntry,
  { keeps }: Pick<TreeRules, 'keeps'>,
): Promise<boolean> {
  const { stamp, digest } = entry;
  // Of a sequence even small ones have a table, and none of the others is larger.
  if (stamp.sizeBytes > WINDOW_BYTES) return true;
  const path = treeFile(tree, entry.path);
  try {
    const found = await withOpenFiles(async (files) => {
      const file = files.add(await target.openRead(path));
      const bytes = Buffer.alloc(stamp.sizeBytes);
      await file.read(bytes, 0);
      return hash('sha256', bytes, 'hex');
    });
    if (found !== digest) return false;
    await target.setFileTraits?.(path, keptTraits(entry, keeps));
    return true;
  } catch (error) {
    if (isBackupError(error, 'FILE_MISSING')) return false;
    throw error;
  }
}

/** What of it the source can still give, and what it cannot. */
export class LostCount {
  readonly #again = new FaultList();
  readonly #forGood = new FaultList();
  /** Of the latter, those that a plan carries. */
  readonly forGood: LostFile[] = [];

  /** Comes from the source again. */
  addAgain(path: string, finding: FileFinding): void {
    this.#again.add({ path, reason: findingText(finding) });
  }

  addForGood({ path, goneSinceMs }: FileEntry, finding: FileFinding): void {
    this.#forGood.add({ path, reason: findingText(finding) });
    if (this.forGood.length < MOST_CARRIED) this.forGood.push({ path, goneSinceMs });
  }

  /** Sentences for people. */
  texts({ isMore }: LostFiles): string[] {
    const [again, forGood] = [this.#again.faults, this.#forGood.faults];
    return [
      ...(again.count === 0
        ? []
        : [
            `${filesOf(again.count)} of the copy ${again.count === 1 ? 'was' : 'were'} not there as copied, and ${again.count === 1 ? 'comes' : 'come'} from the source again (${firstOf(again)}); what is damaged goes to ${QUARANTINE_FOLDER}`,
          ]),
      ...(isMore ? ['there are more of them, which the next session copies'] : []),
      ...(forGood.count === 0
        ? []
        : [
            `${filesOf(forGood.count)} of the copy ${forGood.count === 1 ? 'is' : 'are'} lost, and the source has ${forGood.count === 1 ? 'it' : 'them'} no more (${firstOf(forGood)}): restore points that need ${forGood.count === 1 ? 'it' : 'them'} are corrupt`,
          ]),
    ];
  }
}

const MOST_CARRIED = 10_000;

function filesOf(count: number): string {
  return count === 1 ? '1 file' : `${count} files`;
}

function firstOf({ examples }: FileFaults): string {
  const { path, reason } = examples[0]!;
  return `${JSON.stringify(path)} ${reason}`;
}

/** Points that are called good and cannot do without what is lost. */
export function hurtPoints(
  { points }: TreeRecord,
  lost: readonly LostFile[],
  rules: TreeRules,
): string[] {
  if (lost.length === 0) return [];
  const hurt = pointsThatNeed(points, lost, rules);
  return points
    .filter(({ id, health }) => health !== 'corrupt' && hurt.has(id))
    .map(({ id }) => id);
}

/** Whether an attempt that was stopped has given a small file its name again. */
export async function isGivenAgain(
  target: BackupRepository,
  tree: string,
  path: string,
  bytes: Buffer,
): Promise<boolean> {
  const name = treeFile(tree, path);
  const there = await target.stat(name);
  if (there?.type !== 'file' || there.stamp.sizeBytes !== bytes.length) return false;
  return withOpenFiles(async (files) => {
    const found = Buffer.alloc(bytes.length);
    await files.add(await target.openRead(name)).read(found, 0);
    return found.equals(bytes);
  });
}

/** Sets what is damaged aside, right before the right bytes get its name. Nothing is deleted, and what is gone was set aside by an earlier attempt. */
export async function setAside(
  target: BackupRepository,
  tree: string,
  { epoch }: { readonly epoch: number },
  paths: readonly string[],
): Promise<void> {
  const moves = paths.map((path) => ({
    from: treeFile(tree, path),
    to: `${tree}/${QUARANTINE_FOLDER}/${epoch}/${path}`,
  }));
  if (moves.length > 0) await target.move(moves, tree);
}
