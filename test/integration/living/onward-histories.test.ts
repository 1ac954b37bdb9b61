import { describe, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { tryOnwardHistories } from '../../support/living/onward-history.js';

describe.skipIf(!requireTool('qemu-img'))('random histories of copies of copies', () => {
  it('show what the machine held on their dates, and lack nothing that is not told', async () => {
    await tryOnwardHistories(
      {
        numRuns: Number(process.env['LONGHAUL_ONWARD_HISTORIES'] ?? 1),
        interruptAfterTimeLimit: 1_200_000,
      },
      10,
    );
  }, 1_300_000);
});
