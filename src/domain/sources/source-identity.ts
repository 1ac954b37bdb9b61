/** What is known of each restore point of a source: is it one that was copied?
 *
 *  Sameness is proven or it is not there. What proves it: the fingerprint of its files, an identity that the source vouches for, or a
 *  comparison of every block with the copy. Equal names and dates only say what is to be compared. */

import type { BackupName, SourceFingerprint, SourceRestorePoint } from './source-workload.js';
import type {
  CopiedSource,
  KnownSourcePoint,
  SourceJudgement,
  TargetRestorePoint,
} from '../targets/target-point.js';

/** `copied`: proven to be what the copy shows. `unproven`: may be it; its blocks have to be compared. `grown`: it is what was copied, and more:
 *  the copy was taken too early. `replaced`: it has the name and date of what was copied, and other content. `known`: passed over, or copied
 *  once and gone from the target by now; `isChanged`: its files were written to since, and nothing tells whether that is what was dealt with. `new`: none of these. `unreadable`: not complete, so nothing can be said; `copiedId` by its name. */
export type SourceIdentity =
  | { readonly is: 'copied' | 'unproven' | 'replaced'; readonly copiedId: string }
  | { readonly is: 'grown'; readonly copiedId: string; readonly reason: string }
  | { readonly is: 'known'; readonly isChanged?: true }
  | { readonly is: 'new' }
  | { readonly is: 'unreadable'; readonly copiedId: string | null };

/** Id of a point whose tool overwrites one file and tells nothing of which backup it is: its date is that of the last change of the file. */
export const UNDATED_ID = 'undated';

export interface IdentifiedPoint extends SourceRestorePoint {
  readonly identity: SourceIdentity;
}

type CopiedPoint = Pick<TargetRestorePoint, 'id' | 'createdAt' | 'parentId' | 'source'>;

export interface IdentityInput {
  readonly sourceRepositoryId: string;
  /** Points that the target offers, in the order of the chain. */
  readonly copied: readonly CopiedPoint[];
  readonly known: readonly KnownSourcePoint[];
  /** In the order of the source. */
  readonly current: readonly SourceRestorePoint[];
  /** The owner of the chain, for proofs that hold only as long as it; null: none. */
  readonly epoch: number | null;
  /** No point of the source builds on another one, so nothing but a change of its own content gives its files other sizes. Absent: some may. */
  readonly makesFullsOnly?: boolean;
}

/** Every source point with its identity, in the order of `current`. */
export function identifySourcePoints(input: IdentityInput): IdentifiedPoint[] {
  const identities = new Identities(input);
  return input.current.map((point) => ({ ...point, identity: identities.of(point) }));
}

/** What of a point tells whether it is short. */
export type JudgedPoint = Pick<CopiedPoint, 'id' | 'parentId'> & {
  readonly source: Pick<CopiedSource, 'judged'>;
};

/** Copies that were taken too early, with why: those whose source point has grown since, and all that build on one. Whoever counts copies, chooses
 *  among them or copies them on tells them apart by this. In the order of the chain.
 *  @param copied in the order of the chain */
export function shortCopies(copied: readonly JudgedPoint[]): Map<string, string> {
  return new Map([...shortness(copied)].map(([id, { reason }]) => [id, reason]));
}

function shortness(copied: readonly JudgedPoint[]): Map<string, SourceJudgement> {
  const short = new Map<string, SourceJudgement>();
  for (const { id, parentId, source } of copied) {
    const { judged } = source;
    const below = parentId === null ? undefined : short.get(parentId);
    if (judged?.verdict === 'grown') short.set(id, judged);
    else if (below !== undefined)
      short.set(id, { ...below, reason: 'the copy that it builds on was taken too early' });
  }
  return short;
}

/** The source of a copy that is to build on nothing any more: that it is short stays known.
 *  @param copied with what it builds on until then */
export function sourceAlone(
  copied: readonly JudgedPoint[],
  { id, source }: Pick<CopiedPoint, 'id' | 'source'>,
): CopiedSource {
  const judged = shortness(copied).get(id);
  return judged === undefined ? source : { ...source, judged };
}

/** What the record keeps of a copy of a point that was taken too early.
 *  @param reason undefined: nothing says that
 *  @param epoch of the chain of the copy */
export function judgedShort(
  reason: string | undefined,
  epoch: number,
): Pick<CopiedSource, 'judged'> {
  if (reason === undefined) return {};
  return { judged: { verdict: 'grown', reason, fingerprint: null, epoch } };
}

/** Whether sessions copy such a point: it is whole, or was taken too early and has no whole one in its place. A copy of that one says so from the start. */
export function isCopyable({
  state,
  hasNoWhole,
}: Pick<SourceRestorePoint, 'state' | 'hasNoWhole'>): boolean {
  return state === 'complete' || hasNoWhole === true;
}

/** Whether nothing tells that this is what was dealt with, and nothing that it is not. */
export function isKnownAndChanged(identity: SourceIdentity): boolean {
  return identity.is === 'known' && identity.isChanged === true;
}

/** What lists say of a short copy.
 *  @param reason as `shortCopies` gives it */
export function shortText(reason: string): string {
  return `it was taken too early: ${reason}`;
}

/** Short copies whose source point was copied again: they go as soon as nothing that stays builds on them.
 *  @param copied in the order of the chain */
export function supersededIds(copied: readonly CopiedPoint[]): Set<string> {
  const short = shortCopies(copied);
  const superseded = new Set<string>();
  const wholeBehind = new Set<string>();
  for (const copy of copied.toReversed())
    if (!short.has(copy.id)) wholeBehind.add(placeOf(copy));
    else if (wholeBehind.has(placeOf(copy))) superseded.add(copy.id);
  return superseded;
}

/** The superseded copies that nothing builds on which stays, dependents first: to be deleted in this order. */
export function supersededToDelete(copied: readonly CopiedPoint[]): string[] {
  const superseded = supersededIds(copied);
  const needed = new Set<string>();
  const ids: string[] = [];
  for (const { id, parentId } of copied.toReversed()) {
    const goes = superseded.has(id) && !needed.has(id);
    if (goes) ids.push(id);
    else if (parentId !== null) needed.add(parentId);
  }
  return ids;
}

/** The backup that a copy is a copy of, by whatever way. */
export function backupOf({ source }: Pick<CopiedPoint, 'source'>): BackupName {
  const { repositoryId, restorePointId, backup = { repositoryId, restorePointId } } = source;
  return backup;
}

/** Two copies with one place are copies of one point, also where that was copied twice to where they come from. */
function placeOf(copy: Pick<CopiedPoint, 'createdAt' | 'source'>): string {
  return placeOfBackup(backupOf(copy), Date.parse(copy.createdAt));
}

/** An undated one has another date each time that its file is written to: of what was taken too early the next copy is the rest. */
function placeOfBackup({ repositoryId, restorePointId }: BackupName, createdAtMs: number): string {
  const date = restorePointId === UNDATED_ID ? null : createdAtMs;
  return JSON.stringify([repositoryId, restorePointId, date]);
}

/** Copies with what their source, a chain of Longhaul, tells of the points that they were copied from: those that were taken too early are too short
 *  here, too. null: nothing that they do not tell already.
 *  @param epoch of the chain of the copies */
export function withToldShort(
  copied: readonly TargetRestorePoint[],
  current: readonly Pick<SourceRestorePoint, 'copyId' | 'backup' | 'short'>[],
  epoch: number,
): TargetRestorePoint[] | null {
  const told = new Map(
    current.flatMap(({ copyId, backup, short }) =>
      copyId === undefined || short === undefined ? [] : [[copyId, { backup, short }] as const],
    ),
  );
  let isNews = false;
  const points = copied.map((copy) => {
    const known = told.get(copy.source.copyId ?? '');
    if (known === undefined || copy.source.judged?.verdict === 'grown') return copy;
    isNews = true;
    const { backup, short: reason } = known;
    const source = {
      ...{ ...copy.source, ...judgedShort(reason, epoch) },
      ...(backup === undefined ? {} : { backup }),
    };
    return { ...copy, source };
  });
  return isNews ? points : null;
}

/** Equal, and not for want of a fingerprint: files lie untouched under their paths, or as themselves under other paths. */
function sameFingerprint(
  a: SourceFingerprint | null,
  b: SourceFingerprint | null | undefined,
): boolean {
  if (a === null || b === null || b === undefined) return false;
  return a.byPath === b.byPath || a.byFile === b.byFile;
}

class Identities {
  private readonly offered: readonly CopiedPoint[];
  /** What a copy can be found by, each with its place among the offered: a chain of a thousand points is asked a thousand times. */
  private readonly places = new Map<string, number>();
  private readonly known: ReadonlyMap<string, KnownSourcePoint>;
  private readonly currentIds: ReadonlySet<string>;
  private readonly short: ReadonlyMap<string, string>;
  /** Place in `current` of the last one that has a copy; -1: none has. Looked for when it is asked for. */
  private lastCopied: number | undefined;
  /** Copies of what the source does not show. Looked for when it is asked for. */
  private gone: readonly CopiedPoint[] | undefined;

  constructor(private readonly input: IdentityInput) {
    const { copied, known, sourceRepositoryId } = input;
    const superseded = supersededIds(copied);
    this.offered = copied.filter(({ id }) => !superseded.has(id));
    this.short = shortCopies(copied);
    this.known = new Map(
      known
        .filter(({ repositoryId }) => repositoryId === sourceRepositoryId)
        .map((point) => [nameOf(point.restorePointId, Date.parse(point.createdAt)), point]),
    );
    this.currentIds = new Set(input.current.map(({ id, createdAtMs }) => nameOf(id, createdAtMs)));
    for (const [place, copy] of this.offered.entries())
      for (const key of this.keysOf(copy)) this.places.set(key, place);
  }

  private keysOf(copy: CopiedPoint): string[] {
    const { createdAt, source } = copy;
    const { repositoryId, restorePointId, copyId, fingerprint, provenInEpoch } = source;
    const createdAtMs = Date.parse(createdAt);
    const name = nameOf(restorePointId, createdAtMs);
    const keys = [`name ${name}`];
    if (restorePointId === UNDATED_ID) keys.push(`name ${UNDATED_ID}`);
    if (!this.currentIds.has(name)) keys.push(`date ${createdAtMs}`);
    if (copyId !== undefined) keys.push(`copy ${copyId}`);
    if (this.short.has(copy.id)) keys.push(`place ${placeOf(copy)}`);
    if (repositoryId !== this.input.sourceRepositoryId) return keys;
    if (fingerprint !== null) keys.push(`path ${fingerprint.byPath}`, `file ${fingerprint.byFile}`);
    if (provenInEpoch !== undefined && provenInEpoch === this.input.epoch)
      keys.push(`read ${readName(createdAt, source)}`);
    return keys;
  }

  of(point: SourceRestorePoint): SourceIdentity {
    const copy = this.copyOf(point);
    if (!isCopyable(point)) return { is: 'unreadable', copiedId: copy?.id ?? null };
    if (copy === undefined) return this.withoutCopy(point);
    // Of one that is short only the very copy of it tells anything: another one of its backup holds as much or more.
    if (point.short !== undefined)
      return {
        is: point.copyId === copy.source.copyId ? 'copied' : 'unreadable',
        copiedId: copy.id,
      };
    const reason = this.short.get(copy.id);
    if (reason !== undefined) return { is: 'grown', copiedId: copy.id, reason };
    return this.compare(point, copy);
  }

  /** Name and date of one that was dealt with prove nothing: it may have been made anew. Behind all that is copied it has to be proven to be that one, or it is
   *  copied. Before them nobody wants it back only because its files were moved, or because its tool merged below it (ADR 11). */
  private withoutCopy(point: SourceRestorePoint): SourceIdentity {
    const known = this.known.get(nameOf(point.id, point.createdAtMs));
    if (known === undefined) return { is: 'new' };
    const { copyId, fingerprint } = point;
    if (copyId !== undefined && copyId === known.copyId) return { is: 'known' };
    if (copyId === undefined && sameFingerprint(fingerprint, known.fingerprint))
      return { is: 'known' };
    if (this.isBehindCopies(point)) return { is: 'new' };
    return this.isChanged(point, known) ? { is: 'known', isChanged: true } : { is: 'known' };
  }

  /** Where nothing but a change of its own files tells them apart from what was dealt with. */
  private isChanged({ copyId, fingerprint }: SourceRestorePoint, known: KnownSourcePoint): boolean {
    if (copyId !== undefined) return known.copyId !== undefined;
    const isNoted = known.fingerprint !== undefined && known.fingerprint !== null;
    return this.input.makesFullsOnly === true && isNoted && fingerprint !== null;
  }

  /** By the order of the source, for a date may be wrong; of what is copied and gone from there by the dates. */
  private isBehindCopies(point: SourceRestorePoint): boolean {
    const { current } = this.input;
    this.lastCopied ??= current.findLastIndex((other) => this.copyOf(other) !== undefined);
    if (current.indexOf(point) <= this.lastCopied) return false;
    if (this.gone === undefined) {
      const shown = new Set(current.map((other) => this.copyOf(other)));
      this.gone = this.offered.filter((copy) => !shown.has(copy));
    }
    return this.gone.every(({ createdAt }) => Date.parse(createdAt) < point.createdAtMs);
  }

  private compare(point: SourceRestorePoint, copy: CopiedPoint): SourceIdentity {
    const copiedId = copy.id;
    if (this.isProven(point, copy)) return { is: 'copied', copiedId };
    const { judged } = copy.source;
    const isJudged =
      judged !== undefined &&
      (sameFingerprint(point.fingerprint, judged.fingerprint) || judged.epoch === this.input.epoch);
    if (!isJudged) return { is: 'unproven', copiedId };
    // Only the date was the same: it is another point then.
    if (copy.source.restorePointId !== point.id) return { is: 'new' };
    const isOther =
      point.id === UNDATED_ID || (judged.isFilled === true && this.isOnlyCopyOf(point));
    if (isOther && judged.verdict === 'replaced') return { is: 'new' };
    return judged.verdict === 'replaced'
      ? { is: 'replaced', copiedId }
      : { is: 'grown', copiedId, reason: judged.reason };
  }

  /** What it builds on may be written to without end: once more is enough. One whose first copy has gone by retention is known, too. */
  private isOnlyCopyOf({ id, createdAtMs }: SourceRestorePoint): boolean {
    const name = nameOf(id, createdAtMs);
    const copies = this.offered.filter(
      ({ createdAt, source }) => nameOf(source.restorePointId, Date.parse(createdAt)) === name,
    );
    return copies.length === 1 && !this.known.has(name);
  }

  private isProven(point: SourceRestorePoint, { createdAt, source }: CopiedPoint): boolean {
    if (point.copyId !== undefined && point.copyId === source.copyId) return true;
    if (source.repositoryId !== this.input.sourceRepositoryId) return false;
    if (sameFingerprint(point.fingerprint, source.fingerprint)) return true;
    return (
      point.fingerprint === null &&
      readName(createdAt, source) === nameOf(point.id, point.createdAtMs) &&
      source.provenInEpoch !== undefined &&
      source.provenInEpoch === this.input.epoch
    );
  }

  /** The copy that this point is, or may be: by proof, by name and date (an undated one may be the rest of what was copied last), by the date alone if
   *  that copy's own name is not there; of a copy that was made again, what was taken too early of the same backup. Of several the last. */
  private copyOf({
    id,
    createdAtMs,
    copyId,
    fingerprint,
    backup,
  }: SourceRestorePoint): CopiedPoint | undefined {
    const name = nameOf(id, createdAtMs);
    const proofs = copyId === undefined ? [] : [`copy ${copyId}`];
    if (fingerprint === null) proofs.push(`read ${name}`);
    else proofs.push(`path ${fingerprint.byPath}`, `file ${fingerprint.byFile}`);
    return (
      this.lastOf(proofs) ??
      this.lastOf([id === UNDATED_ID ? `name ${id}` : `name ${name}`]) ??
      this.lastOf([`date ${createdAtMs}`]) ??
      this.lastOf(backup === undefined ? [] : [`place ${placeOfBackup(backup, createdAtMs)}`])
    );
  }

  private lastOf(keys: readonly string[]): CopiedPoint | undefined {
    const places = keys.map((key) => this.places.get(key) ?? -1);
    return this.offered[Math.max(...places, -1)];
  }
}

/** `nameOf` the point that was read, where reading is the proof. */
function readName(
  createdAt: string,
  { restorePointId, provenCreatedAt = createdAt }: CopiedPoint['source'],
): string {
  return nameOf(restorePointId, Date.parse(provenCreatedAt));
}

function nameOf(restorePointId: string, createdAtMs: number): string {
  return `${createdAtMs} ${restorePointId}`;
}
