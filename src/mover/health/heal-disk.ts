import { lineageOf, type ChainRecord } from '../../chain/chain-record.js';
import { ownedChainRecord } from '../../chain/chain-store.js';
import { digestEntryOffset } from '../../chain/digests/digest-table.js';
import { stagingFolder } from '../../chain/chain-paths.js';
import { BackupError, isBackupError, isUnreadable } from '../../domain/errors.js';
import { BLOCK_BYTES, DIGEST_BYTES } from '../../domain/targets/digest.js';
import { healStagingId } from '../../domain/targets/staging-id.js';
import type { TargetDisk, TargetRestorePoint } from '../../domain/targets/target-point.js';
import type { BackupRepository, SourceRepository } from '../../repository/backup-repository.js';
import { readWholeFile } from '../../repository/replace-file.js';
import { remakeTable } from '../change/remade-table.js';
import {
  findGoodBlock,
  guestBlocksOf,
  openTablesCopy,
  SourceDisk,
  unitsOf,
  type HealInput,
  type HealingSource,
} from './healing-source.js';
import { inOtherFiles } from './other-files.js';
import { soundTable } from './verify-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { withOpenFiles } from '../task/open-files.js';
import { makeHealedDurable } from '../staging/staging.js';
import { withVerifier } from '../blocks/verify-units.js';

interface HealOutcome {
  /** One sentence for each unit: which, where, from what it was healed, or that it was not. */
  readonly notes: readonly string[];
  /** Units that are still bad. */
  readonly remaining: readonly number[];
  /** The source could not be asked just now: what remains may be healed later. */
  readonly isSourceUnknown: boolean;
}

/** Heals units of a backup file from the first place that holds the right bytes: the copy of the tables, the source, another file of the
 *  chain. Right means: with the digest that was recorded when the unit was written. The bytes are written beside and read back first, then
 *  over the bad ones, so a stop at any place leaves a bad unit or a good one, never a good one made bad. */
export async function healDisk(context: MoverContext, input: HealInput): Promise<HealOutcome> {
  const repository = await context.repository(input.targetRepositoryId);
  const record = await ownedChainRecord(repository, input.chain, input.epoch);
  const point = lineageOf(record, input.pointId)[0]!;
  const disk = point.disks.find((entry) => entry.disk === input.disk);
  if (disk === undefined) return { notes: [], remaining: [], isSourceUnknown: false };
  await makeHealedDurable(repository, input.chain, point);
  await repository.removeAll(stagingFolder(input.chain, healStagingId(input.pointId)));
  const bad = await stillBad(context, input, disk);
  const sourceDisk = new SourceDisk(context, { record, point, disk: input.disk });
  try {
    return await healAll(context, { ...input, record, point, diskFile: disk, sourceDisk }, bad);
  } finally {
    await sourceDisk.close().catch(() => undefined); // it was only read
  }
}

async function healAll(
  context: MoverContext,
  source: HealingSource,
  bad: readonly number[],
): Promise<HealOutcome> {
  const first = await healUnits(context, source, bad);
  if (first.remaining.length === 0 || first.healed.length === 0) return outcomeOf(first);
  // A table that was damaged hid which guest blocks the others are: now it shows.
  const second = await healUnits(context, source, first.remaining);
  return outcomeOf({ ...second, healed: [...first.healed, ...second.healed] });
}

interface HealedUnits extends Omit<HealOutcome, 'notes'> {
  /** One sentence each. */
  readonly healed: readonly string[];
  readonly unhealed: readonly string[];
}

function outcomeOf({ healed, unhealed, remaining, isSourceUnknown }: HealedUnits): HealOutcome {
  return { notes: [...healed, ...unhealed], remaining, isSourceUnknown };
}

async function healUnits(
  context: MoverContext,
  source: HealingSource,
  bad: readonly number[],
): Promise<HealedUnits> {
  const { point, diskFile: disk } = source;
  const repository = await context.repository(source.targetRepositoryId);
  const blocks = await guestBlocksOf(context, source, disk, bad);
  const digests = await expectedDigests(repository, source.chain, disk, bad);
  const places = new Map(
    bad.map((unit) => [unit, placeText(point, disk, unit, blocks.get(unit) ?? null)]),
  );
  const healed = new Map<number, string>();
  const unhealed = new Map(
    bad.map((unit) => [unit, `${places.get(unit)} is corrupt and no good copy of it was found`]),
  );
  const write = async (unit: number, bytes: Buffer, from: string): Promise<void> => {
    const place = places.get(unit)!;
    const refusal = await refusalOf(overwrite(repository, source, disk, unit, bytes));
    if (refusal !== null) {
      unhealed.set(unit, `${place} is corrupt and cannot be written over: ${refusal}`);
      return;
    }
    unhealed.delete(unit);
    healed.set(unit, `${place} was corrupt and was healed from ${from}`);
  };
  let isSourceUnknown = false;
  const rest = new Map<number, Buffer>();
  const copies = await openTablesCopy(repository, source, bad);
  try {
    for (const [unit, expected] of digests) {
      const found = await findGoodBlock(source, copies, {
        ...{ unit, expected },
        guestBlock: blocks.get(unit) ?? null,
      });
      isSourceUnknown ||= found.isSourceUnknown;
      if (found.bytes === null) rest.set(unit, expected);
      else await write(unit, found.bytes, found.from);
    }
  } finally {
    await copies?.close();
  }
  // All that is left together: the tables of a chain may be long.
  for await (const { unit, bytes } of inOtherFiles(context, source, rest))
    await write(unit, bytes, 'another file of the chain');
  const inOrder = (texts: ReadonlyMap<number, string>) =>
    bad.flatMap((unit) => texts.get(unit) ?? []);
  return {
    ...{ healed: inOrder(healed), unhealed: inOrder(unhealed), isSourceUnknown },
    remaining: bad.filter((unit) => unhealed.has(unit)),
  };
}

async function stillBad(
  context: MoverContext,
  input: HealInput,
  disk: TargetDisk,
): Promise<number[]> {
  const place = { repositoryId: input.targetRepositoryId, chain: input.chain };
  return withVerifier(context, place, disk, async (verifier) => {
    const bad: number[] = [];
    for (const unit of input.units) bad.push(...(await verifier.damagedUnits(unit, 1)));
    return bad;
  });
}

function placeText(
  point: TargetRestorePoint,
  disk: TargetDisk,
  unit: number,
  guestBlock: number | null,
): string {
  const what =
    guestBlock === null
      ? 'a table'
      : `guest block ${guestBlock} (byte ${guestBlock * BLOCK_BYTES})`;
  return `disk ${disk.disk} of ${point.id}: ${what} at byte ${unitsOf(disk).rangeOf(unit).offset} of ${disk.path}`;
}

/** By unit, in their order. */
async function expectedDigests(
  repository: SourceRepository,
  chain: string,
  disk: TargetDisk,
  units: readonly number[],
): Promise<Map<number, Buffer>> {
  return withOpenFiles(async (files) => {
    const table = files.add(await repository.openRead(`${chain}/${disk.digests.path}`));
    const digests = new Map<number, Buffer>();
    for (const unit of units) {
      const digest = Buffer.alloc(DIGEST_BYTES);
      await table.read(digest, digestEntryOffset(unit));
      digests.set(unit, digest);
    }
    return digests;
  });
}

/** A sector may be one that the storage cannot write either, or gives back as something else. */
async function refusalOf(writing: Promise<void>): Promise<string | null> {
  try {
    await writing;
    return null;
  } catch (error) {
    if (!isUnreadable(error) && !isBackupError(error, 'BLOCK_DIGEST_MISMATCH')) throw error;
    return error.message;
  }
}

async function overwrite(
  repository: BackupRepository,
  input: HealInput,
  disk: TargetDisk,
  unit: number,
  bytes: Buffer,
): Promise<void> {
  const staging = stagingFolder(input.chain, healStagingId(input.pointId));
  await repository.makePlace(staging);
  // What stands beside is whole while the one in use is written.
  await repository.put(`${staging}/unit`, bytes);
  const back = await readWholeFile(repository, `${staging}/unit`, BLOCK_BYTES);
  if (back?.equals(bytes) !== true)
    throw new BackupError(
      'BLOCK_DIGEST_MISMATCH',
      `${staging}/unit does not read back as it was written`,
    );
  const { offset, length } = unitsOf(disk).rangeOf(unit);
  await repository.patch(`${input.chain}/${disk.path}`, offset, bytes.subarray(0, length));
  await repository.removeAll(staging);
}

/** Makes a damaged digest table anew from the file it covers. It is put in place only when it is bit for bit the one that the commit record
 *  knows; otherwise the file is damaged too, and nothing is changed. */
export async function healDigestTable(
  context: MoverContext,
  input: Omit<HealInput, 'units'>,
): Promise<{ healed: boolean }> {
  const repository = await context.repository(input.targetRepositoryId);
  const record: ChainRecord = await ownedChainRecord(repository, input.chain, input.epoch);
  const disk = lineageOf(record, input.pointId)[0]!.disks.find(
    (entry) => entry.disk === input.disk,
  );
  if (disk === undefined) return { healed: false };
  const final = `${input.chain}/${disk.digests.path}`;
  // Another file and its digests may stand there since the check looked.
  if ((await soundTable(context.control, repository, final, disk)) !== null)
    return { healed: true };
  const staging = stagingFolder(input.chain, healStagingId(input.pointId));
  await repository.makePlace(staging);
  const path = `${staging}/table.digests`;
  const healed = await rebuildTable(context, repository, input.chain, disk, path);
  if (healed) await repository.move([{ from: path, to: final }], input.chain);
  await repository.removeAll(staging);
  return { healed };
}

async function rebuildTable(
  context: MoverContext,
  repository: BackupRepository,
  chain: string,
  disk: TargetDisk,
  path: string,
): Promise<boolean> {
  const { algorithm, tableDigest } = disk.digests;
  const paths = { image: `${chain}/${disk.path}`, table: path };
  const made = await remakeTable(context, repository, paths, { units: unitsOf(disk), algorithm });
  return made === tableDigest;
}
