import { onTestFinished } from 'vitest';
import type { BackupLayout } from '../../../src/layout/backup-layout.js';
import { BACKUP_LAYOUTS } from '../../../src/layout/layouts.js';

/** Makes a layout known until the test ends: a row is all that the product has to know. */
export function makeLayoutKnown(...layouts: BackupLayout[]): void {
  const rows = BACKUP_LAYOUTS as BackupLayout[];
  rows.push(...layouts);
  onTestFinished(() => {
    rows.splice(rows.length - layouts.length, layouts.length);
  });
}
