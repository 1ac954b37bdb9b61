import { hash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { ChainRecord } from '../../chain/chain-record.js';
import { writeChainRecord } from '../../chain/chain-store.js';
import { afterRetention } from '../../chain/known-source-points.js';
import { withCorrupt, type LastingDamage } from '../../domain/targets/damage.js';
import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { isBackupError, isSenselessImage, isUnreadable } from '../../domain/errors.js';
import { MARK_STAGING_ID } from '../../domain/targets/staging-id.js';
import type { TargetRestorePoint } from '../../domain/targets/target-point.js';
import { BLOCK_UNALLOCATED } from '../../image/disk-image.js';
import { changeChain } from '../change/pending-change.js';
import { ownedChain, type ChangeInput } from '../change/change-points.js';
import { withoutPoints } from '../change/delete-points.js';
import { askedWorkload, guestBlocksOf, mayAnswerLater } from './healing-source.js';
import { structuralDamage } from './verify-plan.js';
import { openLayer, targetLayer } from '../blocks/layer-file.js';
import { keepAnswer, keptAnswer } from '../staging/kept-answers.js';
import type { MoverContext } from '../task/mover-context.js';

interface MarkOutcome {
  /** Files that were found damaged as a whole, and are as they were written by now. */
  readonly sound: readonly Pick<LastingDamage, 'pointId' | 'disk'>[];
  /** Points that show a damaged block, oldest first. */
  readonly corrupt: readonly string[];
  readonly quarantined: readonly string[];
}

interface MarkInput extends ChangeInput {
  readonly damage: readonly LastingDamage[];
  /** false while the source could not be asked: it may still heal them. */
  readonly mayQuarantine: boolean;
}

/** Marks every restore point that shows a damaged block as corrupt. Corrupt points that no good point builds on leave the chain: their
 *  folders are set aside in the quarantine, not deleted, and what they showed is copied again by the next session.
 *  Nothing is set aside while a source cannot be asked: what is damaged as a whole was never looked for there, and nobody would copy it again.
 *  What is set aside is noted before it is: a repeat, which does not find it any more, does the rest of it and has the same answer. */
export async function markDamage(context: MoverContext, input: MarkInput): Promise<MarkOutcome> {
  const { place, record } = await ownedChain(context, input);
  const { repository, chain } = place;
  const token = tokenOf(input);
  const before = await keptAnswer<MarkOutcome>(repository, chain, MARK_STAGING_ID, token);
  const { corrupt, sound, leaving } =
    before === null
      ? await judged(context, input, record)
      : { ...before, leaving: before.quarantined };
  if (corrupt.length === 0) return { corrupt, quarantined: [], sound };
  const points = withCorrupt(record.points, new Set(corrupt));
  // Before any source is asked, which may take long: what is corrupt is called so whatever comes of that.
  const marked = isDeepStrictEqual(points, record.points)
    ? record
    : await writeChainRecord(repository, chain, { ...record, points });
  const outcome = before ?? {
    ...{ corrupt, sound },
    quarantined: (await areSourcesAsked(context, marked, leaving)) ? leaving : [],
  };
  if (before === null)
    await keepAnswer(repository, chain, MARK_STAGING_ID, { token, answer: outcome });
  const going = outcome.quarantined.filter((id) => points.some((point) => point.id === id));
  if (going.length > 0)
    await changeChain(
      context,
      place,
      marked,
      afterRetention(withoutPoints(marked, going), []),
      { type: 'quarantine', ids: going, revision: marked.revision },
      going,
      input.nowMs,
    );
  return outcome;
}

/** Names what the owner of the chain marks. */
function tokenOf({ epoch, damage, mayQuarantine }: MarkInput): string {
  return hash('sha256', JSON.stringify([epoch, damage, mayQuarantine]), 'hex');
}

/** What is damaged, and what of it no good point builds on (`leaving`). A repeat finds the same, as long as nothing was set aside. */
async function judged(
  context: MoverContext,
  input: MarkInput,
  record: ChainRecord,
): Promise<Pick<MarkOutcome, 'corrupt' | 'sound'> & { readonly leaving: string[] }> {
  const showing = new Set<string>();
  const sound: MarkOutcome['sound'][number][] = [];
  for (const damage of input.damage)
    if (await isSoundNow(context, input, record, damage))
      sound.push({ pointId: damage.pointId, disk: damage.disk });
    else for (const id of await pointsThatShow(context, input, record, damage)) showing.add(id);
  const corrupt = record.points.map(({ id }) => id).filter((id) => showing.has(id));
  const leaving = input.mayQuarantine ? withoutGoodDependents(record.points, showing) : [];
  return { corrupt, sound, leaving };
}

/** A check does not own the chain: a merge may have put another file in the place of the one that it looked at. */
async function isSoundNow(
  context: MoverContext,
  input: ChangeInput,
  record: ChainRecord,
  { pointId, disk, isStructural }: LastingDamage,
): Promise<boolean> {
  const point = record.points.find(({ id }) => id === pointId);
  const file = point?.disks.find((entry) => entry.disk === disk);
  if (isStructural !== true || point === undefined || file === undefined) return false;
  const repository = await context.source(input.targetRepositoryId);
  const found = await structuralDamage(context, repository, input, record, point, file);
  return found.damage === null;
}

/** Whether every source of these points says what it holds, be it nothing of them. */
async function areSourcesAsked(
  context: MoverContext,
  { points, workload }: ChainRecord,
  ids: readonly string[],
): Promise<boolean> {
  const leaving = points.filter(({ id }) => ids.includes(id));
  for (const repositoryId of new Set(leaving.map(({ source }) => source.repositoryId)))
    try {
      await askedWorkload(context, await context.source(repositoryId), workload.id);
    } catch (error) {
      if (!isBackupError(error)) throw error;
      if (mayAnswerLater(error)) return false;
    }
  return true;
}

/** Dependents first. */
function withoutGoodDependents(
  points: readonly TargetRestorePoint[],
  corrupt: ReadonlySet<string>,
): string[] {
  const needed = new Set<string>();
  const leaving: string[] = [];
  for (const { id, parentId } of points.toReversed()) {
    const goes = corrupt.has(id) && !needed.has(id);
    if (goes) leaving.push(id);
    else if (parentId !== null) needed.add(parentId);
  }
  return leaving;
}

/** The point of the file and those above it, up to the one that hides the damaged blocks with its own. */
async function pointsThatShow(
  context: MoverContext,
  input: ChangeInput,
  record: ChainRecord,
  { pointId, disk, units }: LastingDamage,
): Promise<string[]> {
  const owner = record.points.find(({ id }) => id === pointId);
  const file = owner?.disks.find((entry) => entry.disk === disk);
  if (owner === undefined || file === undefined) return [];
  const blocks =
    units === null ? new Map<number, number>() : await guestBlocksOf(context, input, file, units);
  // A damaged table or file can hide anything: every point above shows it.
  const isEverywhere = units === null || units.some((unit) => !blocks.has(unit));
  const showing: string[] = [];
  let open = new Set(blocks.values());
  for (let point: TargetRestorePoint | undefined = owner; point !== undefined;) {
    if (point !== owner) open = await stillShown(context, input, point, disk, open);
    if (!isEverywhere && open.size === 0) break;
    const own = point.disks.find((entry) => entry.disk === disk);
    // A point without the disk shows nothing of it, and one above that has it again holds all of it.
    if (point !== owner && (own === undefined || own.kind === 'full')) break;
    showing.push(point.id);
    const id: string = point.id;
    point = record.points.find(({ parentId }) => parentId === id);
  }
  return showing;
}

/** Blocks of `open` that this increment neither holds itself nor cuts off, being shorter. */
async function stillShown(
  context: MoverContext,
  input: ChangeInput,
  point: TargetRestorePoint,
  disk: string,
  open: ReadonlySet<number>,
): Promise<Set<number>> {
  const file = point.disks.find((entry) => entry.disk === disk);
  if (file === undefined) return new Set();
  try {
    const { image, close } = await openLayer(context, targetLayer(input, file));
    try {
      const shown = new Set<number>();
      for (const block of open) {
        if (block * BLOCK_BYTES >= image.virtualSizeBytes) continue;
        const map = await image.mapBlocks(block, 1);
        if (map.states[0] === BLOCK_UNALLOCATED) shown.add(block);
      }
      return shown;
    } finally {
      await close();
    }
  } catch (error) {
    if (isUnreadable(error) || isSenselessImage(error) || isBackupError(error, 'FILE_MISSING'))
      return new Set(open);
    throw error;
  }
}
