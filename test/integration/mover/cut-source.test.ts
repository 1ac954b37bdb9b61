import { describe, expect, it } from 'vitest';
import { isBackupError } from '../../../src/domain/errors.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readShownPoints } from '../../kill-table/read-points.js';
import { orderFor } from '../../kill-table/scenarios.js';
import { TWO_DAYS } from '../../kill-table/source-days.js';
import { MACHINE, makeSourceChain } from '../../kill-table/source-chain.js';
import { requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

describe.skipIf(!requireTool('qemu-img'))('a source file that was cut off', () => {
  it('is never copied short: it is held incomplete, or its copy ends with IMAGE_TRUNCATED', async () => {
    const source = makeSourceChain(TWO_DAYS);
    const order = await orderFor(source.repository);
    const chain = chainFolder(order.jobId, order.workload.id);
    const codes = new Set<string>();
    const shown = new Set<number>();
    for (const { path, stamp } of await source.repository.list(MACHINE))
      for (let end = stamp.sizeBytes - 1; end > 0; end -= 20_000) {
        const repository = source.repository.clone();
        const file = await repository.openWrite(path, 'existing');
        await file.truncate(end);
        await file.close();
        const target = new SimulatedRepository('offsite');
        try {
          await new InProcessMover(repository, target).copy({ ...order, owner: 'session' });
        } catch (error) {
          codes.add(isBackupError(error) ? error.code : String(error));
        }
        const reading = await readShownPoints(target, { ...source, chain, corrupt: [] });
        expect(reading.faults).toEqual([]);
        shown.add(reading.shown.length);
      }
    expect([...codes]).toEqual(['IMAGE_TRUNCATED']);
    // Of a cut increment the full is copied, of a cut full nothing.
    expect([...shown].sort()).toEqual([0, 1]);
  });
});
