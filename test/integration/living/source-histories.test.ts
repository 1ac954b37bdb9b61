import { describe, it } from 'vitest';
import { requireTool } from '../../support/image/qemu.js';
import { tryImageHistories } from '../../support/living/image-history.js';
import { tryLateDiskHistories } from '../../support/living/late-disk-history.js';
import { trySourceHistories } from '../../support/living/source-history.js';

describe.skipIf(!requireTool('qemu-img'))('random histories of a source', () => {
  it('leave a target whose points show what their dates showed, and nothing is missing', async () => {
    await trySourceHistories({
      numRuns: Number(process.env['LONGHAUL_PROPERTY_RUNS'] ?? 7),
      interruptAfterTimeLimit: 1_200_000,
    });
  }, 1_300_000);

  it('of a machine whose disks its tool writes one after the other leave no point that is short for good, and none that was copied before it had rested', async () => {
    await tryLateDiskHistories({
      numRuns: Number(process.env['LONGHAUL_LATE_DISKS'] ?? 3),
      interruptAfterTimeLimit: 1_200_000,
    });
  }, 1_300_000);

  it('of disks with snapshots beside them, alone or as those of a machine, leave no point that shows what none of them did', async () => {
    await tryImageHistories({
      numRuns: Number(process.env['LONGHAUL_IMAGE_HISTORIES'] ?? 4),
      interruptAfterTimeLimit: 1_200_000,
    });
  }, 1_300_000);
});
