import { describe, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { tryRetentionHistories } from '../../support/living/retention-history.js';

describe.skipIf(!requireTool('qemu-img'))('random histories of retention', () => {
  it('keep what their rules keep, change nothing immutable, and leave nothing that no rule keeps', async () => {
    await tryRetentionHistories(
      {
        numRuns: Number(process.env['LONGHAUL_RETENTION_HISTORIES'] ?? 1),
        interruptAfterTimeLimit: 1_200_000,
      },
      12,
    );
  }, 1_300_000);
});
