import { expect, it } from 'vitest';
import { windowRuns } from '../../../src/mover/task/window-runs.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { prepareScenario } from '../../support/kill-table/scenarios.js';
import { requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';

const DAY_MS = 86_400_000;

it.skipIf(!requireTool('qemu-img'))(
  'a health check goes on where it was for a week, and then reads again: what was good then may be bad now',
  async () => {
    const { target, chain, damaged } = await prepareScenario('heal of damaged blocks');
    // Its newest point has the damage in its digest table alone, its oldest one in its blocks.
    const point = { targetRepositoryId: target.id, chain, pointId: damaged[0]! };
    const mover = new InProcessMover(target);
    const openAt = async (days: number) => {
      const nowMs = NOW_MS + days * DAY_MS;
      const { disks } = await mover.run('prepareVerification', { ...point, nowMs });
      return disks[0]!;
    };
    const { disk, windowCount, firstOpenWindow } = await openAt(0);
    expect([windowCount, firstOpenWindow]).toEqual([1, 0]);
    const input = { ...point, disk, nowMs: NOW_MS };
    await mover.runWindows('verifyBlocks', input, windowRuns(0, windowCount));
    expect((await openAt(6)).firstOpenWindow).toBe(1);
    expect((await openAt(12)).firstOpenWindow).toBe(1);
    expect((await openAt(20)).firstOpenWindow).toBe(0);
  },
);
