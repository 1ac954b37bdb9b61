import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { readShownPoints } from '../../support/kill-table/read-points.js';
import { NOW_MS } from '../../support/kill-table/change-run.js';
import { TWO_DAYS } from '../../support/kill-table/source-days.js';
import { MACHINE, makeSourceChain } from '../../support/kill-table/source-chain.js';
import { requireTool } from '../../support/image/qemu.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

describe.skipIf(!requireTool('qemu-img'))('a source file that was cut off', () => {
  it('is never copied short: it is held incomplete, wherever it ends', async () => {
    const source = makeSourceChain(TWO_DAYS);
    const [workload] = await listSourceWorkloads(source.repository);
    const chain = chainFolder('nightly', workload!.id);
    const codes = new Set<string>();
    const shown = new Set<number>();
    for (const { path, stamp } of await source.repository.list(MACHINE))
      for (let end = stamp.sizeBytes - 1; end > 0; end -= 20_000) {
        const repository = source.repository.clone();
        const file = await repository.openWrite(path, 'existing');
        await file.truncate(end);
        await file.close();
        const target = new SimulatedRepository('offsite');
        const sessions = new LocalSessions([repository, target]);
        const { tasks } = await sessions.tryToCopy(testJob(), NOW_MS);
        for (const { code } of tasks) if (code !== null) codes.add(code);
        const reading = await readShownPoints(target, { ...source, chain, corrupt: [] });
        expect(reading.faults).toEqual([]);
        shown.add(reading.shown.length);
      }
    expect([...codes]).toEqual([]);
    // Of a cut increment the full is copied, of a cut full nothing.
    expect([...shown].sort()).toEqual([0, 1]);
  });
});
