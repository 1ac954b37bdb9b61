import { isBackupError, type BackupError } from '../../../domain/errors.js';
import { FAULT_REASONS, type OneFileFault } from '../../../domain/trees/one-file-fault.js';
import { DIGEST_BYTES, WINDOW_BLOCKS, WINDOW_BYTES } from '../../../domain/targets/digest.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import type { JournalPlace } from '../../task/window-journal.js';
import { openRuns } from '../../task/window-journal.js';
import type { WindowRun } from '../../task/window-runs.js';
import { FileListReader, FILES_OF_A_WINDOW, type FileList } from '../file-lists.js';
import { damagedList } from '../staged-list.js';
import {
  largeKey,
  parsePlannedLine,
  readNote,
  treeStaged,
  type PlannedClass,
  type PlannedFile,
  type TreePlan,
} from '../tree-plan.js';

/** What came of a small file. `copied`, `held`: the copy has it now, or had its content already. `unreadable`, `denied`: the storage of the source does not
 *  read it, or does not allow it. `bad`: it is not what its name claims. `unlike`: the copy has lost it, and it is not what was copied. `…Refused`: the target does not take it. `withheld`: it may refer to one of those. `kept`: the copy
 *  must keep what it has under this name, which is something else. `unsound`: it is not what its tool writes under such a name, and the copy has what was.
 *  The others: it is not what was listed. Noted as numbers: new ones come last. */
export const FILE_OUTCOMES = [
  'open',
  'copied',
  'held',
  'changed',
  'gone',
  'unreadable',
  'bad',
  'denied',
  'withheld',
  'nameRefused',
  'sizeRefused',
  'writeRefused',
  'unlike',
  'kept',
  'unsound',
] as const;
export type FileOutcome = (typeof FILE_OUTCOMES)[number];

/** Why it was not copied, of an outcome with which a point that needs the file is not whole; null: it was, or the source has to be looked at anew.
 *  @param isOfOne `isOfOneBackup` */
export function lackingReason(outcome: NameOutcome, isOfOne = false): string | null {
  switch (outcome) {
    case 'open':
    case 'copied':
    case 'held':
    case 'changed':
    case 'gone':
      return null;
    case 'bad':
      return 'its content is not that which the digest in its name says';
    case 'unsound':
      return 'it is no longer what its tool writes under such a name, and the copy keeps what it was';
    case 'unlike':
      return 'the copy has lost it, and what the source has under its name is not what was copied';
    case 'nameless':
      return 'it is another name of a file that the copy has lost';
    case 'kept':
      if (isOfOne)
        return 'it was written to since it was copied, and does not go on from what the copy holds, which has to stay as it is for now (it is immutable, or being restored)';
      return 'the copy holds another backup under this name, which has to stay as it is for now (it is immutable, or being restored): let the tool give each backup a name of its own';
    case 'withheld':
      return 'it may need a file that could not be copied';
    default:
      return FAULT_REASONS[outcome];
  }
}

/** `nameless`: the copy lacks the file that it is another name of. */
export type NameOutcome = FileOutcome | 'nameless';

/** Outcome and digest of each file of a window. */
export const OUTCOME_BYTES = 1 + DIGEST_BYTES;

export function smallJournal(tree: string, classIndex: number, token: string): JournalPlace {
  return {
    path: treeStaged.list(tree, classIndex, 'journal'),
    token,
    payloadBytes: FILES_OF_A_WINDOW * OUTCOME_BYTES,
  };
}

/** What it said of names that were given is lost. */
export function unnotedWindow(
  { tree, classIndex, plan }: StagedClass,
  window: number,
): BackupError {
  const { path } = smallJournal(tree, classIndex, plan.token);
  return damagedList(path, `nothing is noted of window ${window}`);
}

/** Digests of the units of each part: whatever plan lists the file so, its parts are what they are. */
export function largeJournal(tree: string, key: string): JournalPlace {
  return {
    path: treeStaged.large(tree, key, 'journal'),
    token: key,
    payloadBytes: WINDOW_BLOCKS * DIGEST_BYTES,
  };
}

/** Why a large file could not be copied, beside its work. */
export interface LargeFault {
  /** Of the plan: the next one tries again. */
  readonly token: string;
  readonly outcome: OneFileFault;
}

export async function largeFault(
  target: BackupRepository,
  tree: string,
  key: string,
  plan: Pick<TreePlan, 'token'>,
): Promise<LargeFault['outcome'] | null> {
  const path = treeStaged.large(tree, key, 'fault');
  try {
    return (await readNote<LargeFault>(target, path, plan))?.outcome ?? null;
  } catch (error) {
    // It only saves another try, and would be met again by each plan.
    if (!isBackupError(error, 'STAGING_INVALID')) throw error;
    await target.remove(path);
    return null;
  }
}

export function partsOf({ stamp }: Pick<PlannedFile, 'stamp'>): number {
  return Math.ceil(stamp.sizeBytes / WINDOW_BYTES);
}

/** What a plan lists of one class, read by windows. */
export class StagedClass {
  readonly planned: PlannedClass;

  private constructor(
    readonly tree: string,
    readonly plan: TreePlan,
    readonly classIndex: number,
    private readonly lists: FileListReader<PlannedFile>,
  ) {
    this.planned = plan.classes[classIndex]!;
  }

  static async open(
    target: SourceRepository,
    tree: string,
    plan: TreePlan,
    classIndex: number,
  ): Promise<StagedClass> {
    const path = (list: FileList) => treeStaged.list(tree, classIndex, list);
    const planned = plan.classes[classIndex]!;
    const place = { repository: target, path };
    const lists = await FileListReader.open(place, planned, parsePlannedLine);
    return new StagedClass(tree, plan, classIndex, lists);
  }

  isSmall(window: number): boolean {
    return this.lists.isSmall(window);
  }

  smallFiles(window: number): Promise<PlannedFile[]> {
    return this.lists.smallFiles(window);
  }

  /** The large file that the window is a part of, and which part. */
  largePart(window: number): Promise<{ file: PlannedFile; part: number }> {
    return this.lists.largePart(window);
  }

  /** The windows of `first … first + count - 1` that are not done. */
  async openWindows(target: BackupRepository, first: number, count: number): Promise<WindowRun[]> {
    const end = first + count;
    const { smallWindows } = this.planned;
    const runs: WindowRun[] = [];
    const smallCount = Math.max(0, Math.min(end, smallWindows) - first);
    if (smallCount > 0) {
      const journal = smallJournal(this.tree, this.classIndex, this.plan.token);
      runs.push(...(await openRuns(target, journal, first, smallCount)));
    }
    for (let window = Math.max(first, smallWindows); window < end;) {
      const { file, part } = await this.largePart(window);
      const parts = Math.min(partsOf(file) - part, end - window);
      const offset = window - part;
      const journal = largeJournal(this.tree, largeKey(file));
      for (const run of await openRuns(target, journal, part, parts))
        runs.push({ first: offset + run.first, count: run.count });
      window += parts;
    }
    return runs;
  }

  close(): Promise<void> {
    return this.lists.close();
  }
}
