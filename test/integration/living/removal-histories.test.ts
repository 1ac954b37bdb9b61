import { describe, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { tryRemovalHistories } from '../../support/living/removal-history.js';

describe.skipIf(!requireTool('qemu-img'))(
  'random histories of machines that go and come back',
  () => {
    it('keep the copies of what is there or was not looked for, and let go what is gone for long', async () => {
      await tryRemovalHistories(
        {
          numRuns: Number(process.env['LONGHAUL_REMOVAL_HISTORIES'] ?? 1),
          interruptAfterTimeLimit: 1_200_000,
        },
        10,
      );
    }, 1_300_000);
  },
);
