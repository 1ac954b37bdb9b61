import { describe, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { tryRestoreHistories } from '../../support/living/restore-history.js';

describe.skipIf(!requireTool('qemu-img'))('random histories of restores beside all else', () => {
  it('write what the disk held on the date of the point, or say why not, and leave nothing', async () => {
    await tryRestoreHistories(
      {
        numRuns: Number(process.env['LONGHAUL_RESTORE_HISTORIES'] ?? 1),
        interruptAfterTimeLimit: 1_200_000,
      },
      10,
    );
  }, 1_300_000);
});
