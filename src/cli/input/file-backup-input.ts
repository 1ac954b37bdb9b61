/** A file-backup job from flags, for the simple case. The server checks what they say. */

import { BackupError } from '../../domain/errors.js';
import { limitsFromFlags, type LimitFlags } from './copy-limits.js';
import { parseHours } from './hours-phrase.js';
import { parseSchedule } from './schedule-phrase.js';

export interface FileBackupFlags extends LimitFlags {
  readonly file?: string;
  readonly name?: string;
  readonly id?: string;
  /** `repository:workload`. */
  readonly source?: string;
  readonly target?: readonly string[];
  readonly primaryBackup?: string;
  readonly schedule?: string;
  readonly timeZone?: string;
  readonly allowedHours?: readonly string[];
  readonly keepRemovedDays?: string;
}

/** @throws REQUEST_INVALID */
export function fileBackupFromFlags(flags: FileBackupFlags): object {
  const { name, source, target, keepRemovedDays, allowedHours } = flags;
  if (name === undefined || source === undefined || target === undefined)
    throw badFlags('--name, --source and --target are needed, or --file');
  const [repositoryId = '', workload] = source.split(/:(.*)/s);
  if (workload === undefined) throw badFlags('--source is repository:workload');
  if (keepRemovedDays !== undefined && !/^\d{1,4}$/.test(keepRemovedDays))
    throw badFlags(`${keepRemovedDays} is not a number`);
  const hours =
    allowedHours === undefined ? {} : { allowedHours: { spans: allowedHours.map(parseHours) } };
  return {
    name,
    ...(flags.id === undefined ? {} : { id: flags.id }),
    source: { repositoryId, workload },
    ...(flags.primaryBackup === undefined ? {} : { primaryBackup: flags.primaryBackup }),
    ...(flags.schedule === undefined ? {} : { schedule: parseSchedule(flags.schedule) }),
    ...(flags.timeZone === undefined ? {} : { timeZone: flags.timeZone }),
    ...(keepRemovedDays === undefined ? {} : { keepRemovedForDays: Number(keepRemovedDays) }),
    ...limitsFromFlags(flags),
    secondaryTargets: target.map((id) => ({ repositoryId: id, ...hours })),
  };
}

function badFlags(message: string): BackupError {
  return new BackupError('REQUEST_INVALID', message, {
    hint: 'See `longhaul file-backup-job create --help`.',
  });
}
