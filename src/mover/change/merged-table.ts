import { readDigestTableHeader } from '../../chain/digests/digest-table.js';
import { isBackupError, isUnreadable } from '../../domain/errors.js';
import type { Digest, DigestAlgorithm } from '../../domain/targets/digest.js';
import { FileUnits, isPlain, NO_SLOTS, type PlacedSlots } from '../../domain/targets/file-units.js';
import type { PointHealth } from '../../domain/targets/target-point.js';
import type { BackupRepository, ReadableFile } from '../../repository/backup-repository.js';
import { hashFile } from '../blocks/file-digest.js';
import { newToken, readStagedJson, writeStagedJson } from '../staging/copy-plan.js';
import type { MoverContext } from '../task/mover-context.js';
import { remakeTable } from './remade-table.js';

/** What a merge has made of a disk. */
export interface MergedDisk {
  readonly sizeBytes: number;
  /** SHA-256 of its digest table. */
  readonly tableDigest: Digest;
  /** As those of `TargetDisk.digests`. */
  readonly slots?: PlacedSlots;
}

type Note = MergedDisk & { readonly token: string };

/** Notes what was made, before the merged file gets its name: from then on the increment is gone, and nothing else tells which digest table is the right one.
 *  Durable when it returns. */
export async function noteMerged(
  repository: BackupRepository,
  path: string,
  disk: MergedDisk,
): Promise<void> {
  const note: Note = { token: newToken(), ...disk };
  await writeStagedJson(repository, path, note);
}

interface Paths {
  readonly image: string;
  /** The table, staged; and where it is to lie, and may lie already. */
  readonly staged: string;
  readonly final: string;
  readonly note: string;
}

/** What an attempt that was stopped has made of a disk whose merged file has its name already. A digest table that is not the one that was made, or is lost, is
 *  made anew from the file, and staged.
 *  @returns health: `good` where the table is the one that the merge has made; `corrupt` where the file does not have it any more; `unknown` where nothing
 *    is left that would tell */
export async function mergedBefore(
  context: MoverContext,
  repository: BackupRepository,
  paths: Paths,
  algorithm: DigestAlgorithm,
): Promise<{ readonly disk: MergedDisk; readonly health: PointHealth }> {
  const note = await readStagedJson<Note>(repository, paths.note);
  const sizeBytes = (await repository.stat(paths.image))?.stamp.sizeBytes ?? 0;
  const units = new FileUnits(note?.slots ?? NO_SLOTS, sizeBytes);
  const table = (await repository.stat(paths.staged)) === null ? paths.final : paths.staged;
  const found = await tableOf(context, repository, table, { sizeBytes, algorithm });
  if (note === null) {
    if (found?.slots)
      return {
        disk: {
          ...{ sizeBytes, tableDigest: found.digest },
          ...(isPlain(found.slots) ? {} : { slots: found.slots }),
        },
        health: 'good',
      };
  } else if (found?.digest === note.tableDigest) {
    return { disk: note, health: sizeBytes === note.sizeBytes ? 'good' : 'corrupt' };
  }
  const order = { image: paths.image, table: paths.staged };
  const made = await remakeTable(context, repository, order, { units, algorithm });
  if (note !== null) return { disk: note, health: made === note.tableDigest ? 'good' : 'corrupt' };
  return {
    disk: { sizeBytes, tableDigest: made ?? NO_TABLE },
    health: made === null ? 'corrupt' : 'unknown',
  };
}

/** Of no table: the check that follows finds it damaged. */
const NO_TABLE = '0'.repeat(64);

interface FileOfTable {
  readonly sizeBytes: number;
  readonly algorithm: DigestAlgorithm;
}

/** null: there is none that could be read. */
async function tableOf(
  context: MoverContext,
  repository: BackupRepository,
  path: string,
  of: FileOfTable,
): Promise<{ readonly digest: Digest; readonly slots: PlacedSlots | null } | null> {
  if ((await repository.stat(path)) === null) return null;
  const table = await repository.openRead(path);
  try {
    const digest = await hashFile(table, context.control);
    return { digest, slots: await slotsIn(table, of) };
  } catch (error) {
    if (isUnreadable(error)) return null;
    throw error;
  } finally {
    await table.close();
  }
}

/** null: it has no head of a table of such a file. */
async function slotsIn(
  table: ReadableFile,
  { sizeBytes, algorithm }: FileOfTable,
): Promise<PlacedSlots | null> {
  try {
    const { algorithm: own, units } = await readDigestTableHeader(table);
    return own === algorithm && units.fileSizeBytes === sizeBytes ? units.slots : null;
  } catch (error) {
    if (isBackupError(error, 'CHAIN_RECORD_CORRUPT')) return null;
    throw error;
  }
}
