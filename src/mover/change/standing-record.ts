import { isBackupError, type BackupError } from '../../domain/errors.js';

interface Kept {
  readonly jobId: string;
  readonly revision: number;
}

interface Judged<Copy extends Kept, Missed> {
  /** The record that it was judged by. */
  readonly record: Copy;
  /** null: nothing was missed, or it tells nothing. */
  readonly missed: Missed | null;
  /** Nothing was missed. false as well: what was missed tells nothing, because the record changed or went meanwhile. */
  readonly isWhole: boolean;
}

const MAX_LOOKS = 3;

/** Looks for what is missed of a copy. Every change is announced in its record before it begins, so what is found, or cannot be read, counts only while the record is
 *  still the same. A folder that went to another job has taken its files along: without a record nobody tells whether it did.
 *  @param record as it was read
 *  @throws as both functions, when the record is still the same */
export async function missedOf<Copy extends Kept, Missed extends { readonly size: number }>(
  record: Copy,
  {
    look,
    read,
  }: {
    readonly look: (judged: Copy) => Promise<Missed>;
    readonly read: () => Promise<Copy | null>;
  },
): Promise<Judged<Copy, Missed>> {
  let judged = record;
  for (let count = 0; count < MAX_LOOKS; count++) {
    const missed = await look(judged).catch(asAnswer);
    if (!isBackupError(missed) && missed.size === 0)
      return { record: judged, missed: null, isWhole: true };
    const now = await read();
    if (now === null || now.jobId !== record.jobId) break;
    if (now.revision === judged.revision) {
      if (isBackupError(missed)) throw missed;
      return { record: judged, missed, isWhole: false };
    }
    judged = now;
  }
  return { record: judged, missed: null, isWhole: false };
}

function asAnswer(error: unknown): BackupError {
  if (!isBackupError(error)) throw error;
  return error;
}
