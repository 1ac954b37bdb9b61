/** What a health check finds in the files of a copied tree, and which restore points suffer from it. Plain JSON. */

import { fileNotes, type FileFaults } from './file-faults.js';
import type { TargetTreePoint } from './target-tree.js';
import type { TreeRules } from './tree-rules.js';

/** What a file of the copy is, compared with the index. `misnamed`: its content is not that which the digest in its name says. `undigested`: the table of
 *  its digests is damaged, so that nothing is known of it. `unsound`: it was copied like that, and is not what its tool writes under such a name. */
export const FILE_FINDINGS = [
  'unread',
  'good',
  'missing',
  'short',
  'longer',
  'changed',
  'misnamed',
  'undigested',
  'unreadable',
  'unsound',
] as const;
export type FileFinding = (typeof FILE_FINDINGS)[number];

/** As the end of a sentence whose subject is the file. */
export function findingText(finding: FileFinding): string {
  switch (finding) {
    case 'unread':
      return 'was not read';
    case 'good':
      return 'is as it was copied';
    case 'missing':
      return 'is missing';
    case 'short':
      return 'is shorter than it was copied';
    case 'longer':
      return 'is longer than it was copied';
    case 'changed':
      return 'is not what was copied';
    case 'misnamed':
      return 'is not what the digest in its name says';
    case 'undigested':
      return 'cannot be judged: the table of its digests is damaged';
    case 'unreadable':
      return 'cannot be read by its storage';
    case 'unsound':
      return 'is as it was copied, but not what its tool writes there';
  }
}

/** Names a check and its notes. */
export interface TreeCheckReference {
  /** Name of the folder of its notes. */
  readonly check: string;
  readonly token: string;
}

/** Work on files in windows, as it goes through Temporal: counts, never lists. */
export interface FileWork {
  readonly windowCount: number;
  /** Windows before this one are done. */
  readonly firstOpenWindow: number;
  readonly fileCount: number;
  readonly sizeBytes: number;
}

/** What is left to be restored. */
export interface TreeRestoreWork extends FileWork {
  /** Of the plan in the destination, which another restore may discard. Absent: a release before has planned it. */
  readonly token?: string;
  /** Why there is no lease on what is read; null, and absent in answers of before: there is one. */
  readonly unleased?: string | null;
}

/** What is left to be healed, as whoever owns the tree sees it. */
export interface TreeRepairPlan extends FileWork {
  readonly epoch: number;
}

export interface TreeCheckOutcome {
  /** Restore points that were read. */
  readonly pointCount: number;
  /** Files that were damaged. */
  readonly damaged: number;
  /** Of these, healed, each with what it had become. */
  readonly healed: FileFaults;
  /** Of these, still damaged. */
  readonly lost: FileFaults;
  /** Files that nobody knows. */
  readonly unknown: FileFaults;
  /** Of a store whose files name others: those that name what is not there, and those that were copied as nothing that their tool writes. Absent: none. */
  readonly lacking?: FileFaults;
  /** Ids of the points that cannot do without what is lost; of very many, the last. */
  readonly corrupt: readonly string[];
  readonly corruptCount: number;
  /** Why the source could not be asked for what was damaged, in plain words; null: it was, or had not to be. */
  readonly sourceFault: string | null;
}

/** A file that is lost. */
export interface LostFile {
  readonly path: string;
  readonly goneSinceMs: number | null;
}

/** Ids of the points that cannot do without one of the files: of sets those that list it and those that need them; of a store that of which the
 *  layout says that it alone needs it, which need not be in the copy itself, and those that need that; otherwise any. What the source has removed only points need that it does not show either.
 *  @param hurtAnyway ids in the source of points that cannot be restored for another reason */
export function pointsThatNeed(
  points: readonly TargetTreePoint[],
  lost: Iterable<LostFile>,
  { shape, pointOf }: Pick<TreeRules, 'shape' | 'pointOf'>,
  hurtAnyway: Iterable<string> = [],
): Set<string> {
  const hurt = new Set(hurtAnyway);
  const paths = new Set<string>();
  for (const { path, goneSinceMs } of lost) {
    paths.add(path);
    if (shape === 'sets') continue;
    const owner = pointOf?.(path) ?? null;
    if (owner !== null) {
      hurt.add(owner);
      continue;
    }
    for (const { source, goneSince } of points)
      if (goneSinceMs === null || goneSince !== undefined) hurt.add(source.restorePointId);
  }
  for (const { files, source } of points)
    if (files?.some((path) => paths.has(path)) === true) hurt.add(source.restorePointId);
  for (let before = -1; before < hurt.size;) {
    before = hurt.size;
    for (const { needs, source } of points)
      if (needs.some((need) => hurt.has(need))) hurt.add(source.restorePointId);
  }
  return new Set(
    points.filter(({ source }) => hurt.has(source.restorePointId)).map(({ id }) => id),
  );
}

/** Whether a lost file is needed by a point that no health check has found corrupt: of which it is not known yet that it is worth nothing. */
export function isNeededBySound(
  points: readonly TargetTreePoint[],
  { shape, pointOf }: Pick<TreeRules, 'shape' | 'pointOf'>,
): (file: LostFile) => boolean {
  const sound = points.filter(({ health }) => health !== 'corrupt');
  if (shape === 'sets') {
    const paths = new Set(sound.flatMap(({ files }) => files ?? []));
    return ({ path }) => paths.has(path);
  }
  const ids = new Set(sound.flatMap(({ source, needs }) => [source.restorePointId, ...needs]));
  const isAnyGone = sound.some(({ goneSince }) => goneSince !== undefined);
  return ({ path, goneSinceMs }) => {
    const owner = pointOf?.(path) ?? null;
    if (owner !== null) return ids.has(owner);
    return goneSinceMs === null ? sound.length > 0 : isAnyGone;
  };
}

/** What a check of a tree has to say, one plain sentence each. */
export function findingNotes(outcome: TreeCheckOutcome): string[] {
  const { healed, lost, unknown, corrupt, corruptCount, sourceFault, lacking } = outcome;
  const ids = [...(corruptCount > corrupt.length ? ['…'] : []), ...corrupt];
  return [
    ...fileNotes(healed, (reason) => `${reason.replace(/^is/, 'was')} and was healed`),
    ...fileNotes(lost, (reason) => `${reason}, and no good copy of it was found`),
    ...(lacking === undefined ? [] : fileNotes(lacking, (reason) => reason)),
    ...(sourceFault === null ? [] : [`the source could not be asked for them: ${sourceFault}`]),
    ...(corruptCount > 0 ? [`corrupt restore points: ${ids.join(', ')}`] : []),
    ...fileNotes(unknown, (reason) => `lies there, and ${reason}: it was left alone`),
  ];
}
