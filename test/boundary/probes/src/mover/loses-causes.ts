import { BackupError } from '../domain/backup-error.js';

export function probe(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (String(error) === 'plain') throw new Error('lost'); // report: preserve-caught-error
    if (String(error) === 'flat') throw new Error(error as string, { cause: error });
    throw new BackupError('FILE_MISSING', 'lost', { details: {} }); // report: longhaul/backup-error-cause
  }
  try {
    run();
  } catch (error) {
    throw new BackupError('FILE_MISSING', 'kept', { cause: error });
  }
}

export function flatten(error: string): never {
  throw new Error(error); // report: no-restricted-syntax
}
