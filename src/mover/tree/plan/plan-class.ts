import { FaultList, type FileFault } from '../../../domain/trees/file-faults.js';
import { modifiedAtMs } from '../../../domain/file-stamp.js';
import type { AwaitedPoint, SettleRule } from '../../../domain/sources/settle.js';
import { brokenPointText, type PointLosses } from '../../../domain/trees/source-point-losses.js';
import type { SourceTree } from '../../../domain/trees/source-tree.js';
import type { VerifyAfterCopy } from '../../../domain/jobs/copy-job.js';
import { isOfOneBackup } from '../../../domain/trees/tree-rules.js';
import type { TreePointChoice } from '../../../domain/trees/tree-points.js';
import type { TreeLayout } from '../../../layout/tree-layout.js';
import type { BackupRepository, SourceRepository } from '../../../repository/backup-repository.js';
import type { RememberedLists } from '../../../repository/remembered-lists.js';
import type { FileEntry } from '../../../tree/file-index.js';
import type { TreeRecord } from '../../../tree/tree-record.js';
import { compareClass } from './compare-class.js';
import type { ChangeCount } from './count-changes.js';
import { canGiveNames, FileNames } from './file-names.js';
import type { FixedFiles } from './fixed-files.js';
import type { Losses } from './losses.js';
import { PlanLists } from './plan-lists.js';
import { lackingReason } from '../copy/staged-files.js';
import type { TakeTreeInput } from '../change/take-tree.js';
import {
  treeStaged,
  type HeldFile,
  type LostState,
  type PlannedClass,
  type PlannedFile,
} from '../tree-plan.js';
import { SourceLosses } from './source-losses.js';
import { UnreadPlaces } from './unread-places.js';
import type { ListedFile } from './listed-file.js';
import type { TargetLimits, Walk } from './walk-tree.js';

export interface PlanTreeInput extends TakeTreeInput {
  readonly sourceRepositoryId: string;
  readonly sourceFolders?: readonly string[];
  readonly choice: Omit<TreePointChoice, 'copied' | 'nowMs'>;
  readonly verifyAfterCopy: VerifyAfterCopy;
  readonly limits: Pick<TargetLimits, 'names'>;
  /** `soleFormerIds` of the workload. Absent: there are none. */
  readonly formerIds?: readonly string[];
  /** `SettleRule.settleMs`: what its tool has not closed is left for so long. */
  readonly settleMs: number;
  /** `SettleRule.seen`. Absent: nothing. */
  readonly seen?: SettleRule['seen'];
  /** As `PlanTreeRequest.hasHeard`. */
  readonly hasHeard?: boolean;
  /** As of `TakenPlace`. */
  readonly compareWindows?: number;
  /** Of the target. */
  readonly immutableForDays: number;
  /** An operator has looked at what a run before this one found suspicious. */
  readonly acceptChanges: boolean;
}

/** What a look says of single files. */
export interface Remarks {
  /** They cannot be copied. */
  readonly faults: FaultList;
  /** They are copied by a later session. */
  readonly waiting: FaultList;
  /** The copy has them, and the source has lost them. */
  readonly lost: FaultList;
  /** Of users' files. */
  readonly emptyFolders: FaultList;
}

export function noRemarks(): Remarks {
  return {
    faults: new FaultList(),
    waiting: new FaultList(),
    lost: new FaultList(),
    emptyFolders: new FaultList(),
  };
}

export interface Seen {
  readonly input: PlanTreeInput;
  readonly source: SourceRepository;
  /** What `source` remembers; null: nothing. */
  readonly lists: RememberedLists | null;
  readonly target: BackupRepository;
  readonly tree: SourceTree;
  readonly layout: TreeLayout;
  /** null: there is no copy. */
  readonly known: TreeRecord | null;
  /** Points of the copy that the source has lost. */
  readonly pointLosses: PointLosses;
  /** As `Told.awaited`. */
  readonly awaited: readonly AwaitedPoint[];
}

export function walkOf(
  { source, target, tree, layout, input, known }: Seen,
  points: SourceTree['points'],
  { faults, lost, emptyFolders }: Omit<Remarks, 'waiting'>,
): Walk {
  const { rules } = layout;
  const [changedAt, isAgreed] = [known?.changedAt ?? null, input.acceptChanges];
  return {
    repository: source,
    tree: { ...tree, points },
    ...{ rules, nowMs: input.nowMs, settleMs: input.settleMs },
    limits: { ...input.limits, maxFileBytes: target.limits.maxFileBytes },
    ...{ faults, emptyFolders },
    unread: new UnreadPlaces(rules, points),
    losses: new SourceLosses({ rules, points: tree.points, changedAt, isAgreed, lost }),
  };
}

export function waitingFile({ path, stamp }: ListedFile): FileFault {
  const reason = `it was written to at ${new Date(modifiedAtMs(stamp)).toISOString()} and may not be finished`;
  return { path, reason };
}

interface ClassRemarks extends Pick<Remarks, 'waiting'> {
  readonly count: ChangeCount;
  readonly names: SeveralNames;
  readonly losses: Losses;
  readonly fixed: FixedFiles;
  /** `TreePlan.goneSinceMs` */
  readonly goneSinceMs: number;
}

/** What becomes of files that have several names in the source. */
interface SeveralNames {
  readonly areKept: boolean;
  /** The storage of the copy has such. */
  readonly canBeGiven: boolean;
  /** Names that become files of their own. */
  lost: number;
}

/** Where stamps are weak, an inode number proves nothing. */
export async function namesOf({ source, target, layout, input }: Seen): Promise<SeveralNames> {
  const areKept = layout.rules.keeps.links && source.capabilities.stampsProve;
  const canBeGiven = areKept && (await canGiveNames(target, treeStaged.folder(input.chain)));
  return { areKept, canBeGiven, lost: 0 };
}

export async function planClass(
  { input, target, known, layout, pointLosses }: Seen,
  walk: Walk,
  index: number,
  token: string,
  { count, waiting, names, losses, fixed, goneSinceMs }: ClassRemarks,
): Promise<PlannedClass> {
  const { chain } = input;
  const fileClass = layout.rules.classes[index]!;
  const files = new FileNames();
  const lossOf = losses.ofClass(fileClass.name);
  const brokenAt = input.acceptChanges ? () => undefined : brokenPointOf(pointLosses, layout);
  const kept = { walk, fixed, brokenAt };
  const lists = await PlanLists.open(target, chain, fileClass, index, token);
  await compareClass(walk, target, chain, known, index, (is, listed, entry) => {
    count.add(is, fileClass, listed, entry);
    const isCopied = listed !== null && is !== 'waits';
    const lost = entry === null ? undefined : lossOf(entry, is);
    const isStill = is === 'same' || is === 'back';
    const digest = isStill ? entry!.digest : null;
    const isLinked = isCopied && names.areKept;
    const first = isLinked
      ? files.firstHeld(listed.path, listed.stamp, listed.stamp.changedAtNs, digest)
      : null;
    if (isStill && lost !== undefined) {
      const file = { ...listed!, held: heldOf(entry!, lost) };
      // A name of a file with other bytes is not what was lost.
      const isName = first !== null && names.canBeGiven && first.held === digest;
      return isName ? lists.addName({ file, first: first.path }) : lists.add(file);
    }
    switch (is) {
      case 'new': {
        const file = { ...listed!, held: null };
        if (first !== null && names.canBeGiven) return lists.addName({ file, first: first.path });
        if (first !== null) names.lost++;
        return lists.add(file);
      }
      case 'changed': {
        const file = changedOrTold(kept, listed!, entry!, lost);
        return file === null ? undefined : lists.add(file);
      }
      case 'gone':
        return lists.mark({ ...entry!, goneSinceMs });
      case 'lost':
      case 'back':
        return lists.markShown(entry!);
      case 'waits':
        waiting.add(waitingFile(listed!));
        return undefined;
      case 'same':
      case 'away':
      case 'unseen':
        return undefined;
    }
  });
  return lists.end();
}

/** Of a store: why a file stays as the copy has it, by its path. Of sets no file of a broken point is listed. */
function brokenPointOf(
  { broken }: PointLosses,
  { rules }: TreeLayout,
): (path: string) => string | undefined {
  const texts = new Map(broken.map((point) => [point.id, brokenPointText(point)]));
  return (path) => texts.get(rules.pointOf?.(path) ?? '');
}

interface KeptFiles {
  readonly walk: Walk;
  readonly fixed: FixedFiles;
  /** `brokenPointOf` */
  readonly brokenAt: (path: string) => string | undefined;
}

/** null: the copy keeps what it has, which is told. Of a point that is broken at the source no other point is held back. */
function changedOrTold(
  { walk, fixed, brokenAt }: KeptFiles,
  listed: ListedFile,
  entry: FileEntry,
  lost: LostState | undefined,
): PlannedFile | null {
  const { path } = listed;
  const broken = lost === undefined ? brokenAt(path) : undefined;
  if (broken !== undefined) {
    walk.faults.add({ path, reason: broken });
    return null;
  }
  const file = changedFile(listed, entry, lost, fixed);
  if (file !== null) return file;
  const fault = { path, reason: lackingReason('kept', isOfOneBackup(walk.rules, path))! };
  walk.faults.add(fault);
  walk.unread.addFile(fault);
  return null;
}

/** null: the copy must keep what it has. */
function changedFile(
  listed: ListedFile,
  entry: FileEntry,
  lost: LostState | undefined,
  fixed: FixedFiles,
): PlannedFile | null {
  const held = heldOf(entry, lost);
  if (lost !== undefined || !fixed.has(listed.path, entry.stamp, listed.stamp))
    return { ...listed, held };
  // Its bytes may be the same, or begin with them.
  const mayStay =
    held.sizeBytes === listed.stamp.sizeBytes ||
    fixed.mayGoOn(listed.path, entry.stamp, listed.stamp);
  return mayStay ? { ...listed, held: { ...held, isFixed: true } } : null;
}

function heldOf(
  { digest, table, stamp, goneSinceMs }: FileEntry,
  lost: LostState | undefined,
): HeldFile {
  const held = { digest, table, sizeBytes: stamp.sizeBytes, isGone: goneSinceMs !== null };
  return lost === undefined ? held : { ...held, lost };
}
