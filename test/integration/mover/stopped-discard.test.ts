import { describe, expect, it } from 'vitest';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { ImageStack } from '../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../src/mover/blocks/layer-file.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import { ChangeRun, NOW_MS } from '../../support/kill-table/change-run.js';
import { jobOf, sessionOf } from '../../support/kill-table/scenarios.js';
import {
  diskId,
  KIB,
  MACHINE,
  makeSourceChain,
  MIB,
  withFirstPoints,
} from '../../support/kill-table/source-chain.js';
import { requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import {
  SimulatedRepository,
  type StorageOperation,
} from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';

const full = (seed: number) => ({
  kind: 'full' as const,
  sizeBytes: MIB,
  writes: [{ noise: seed, at: 0, bytes: 256 * KIB }],
});

/** Kills the next session at an operation, as a session that runs to its end shows them. */
async function killed(
  source: SimulatedRepository,
  target: SimulatedRepository,
  number: number,
  when: 'before' | 'after',
  isIt: (operation: StorageOperation) => boolean,
): Promise<SimulatedRepository> {
  const undisturbed = target.clone();
  await session(source, undisturbed, number).toEnd();
  const operation = undisturbed.operations.find(isIt);
  const crashing = target.clone({ crash: { atOperation: operation?.number ?? 0, when } });
  await expect(session(source, crashing, number).toEnd()).rejects.toThrow(WorkerDeath);
  return crashing.restart({ kind: 'none' });
}

function session(source: SimulatedRepository, target: SimulatedRepository, number: number) {
  return ChangeRun.begin(sessionOf(jobOf()), source, target, { number });
}

describe.skipIf(!requireTool('qemu-img'))(
  'a copy that is given up because its source changed',
  () => {
    it.each([
      { kind: 'plan.json', name: 'plan' },
      { kind: 'scan.json', name: 'comparison' },
    ])('leaves nothing that counts when it is killed behind its $name', async ({ kind }) => {
      const chain = makeSourceChain([{ system: full(1) }, { system: full(2), added: full(3) }]);
      const source = chain.repository;
      const target = new SimulatedRepository('offsite');
      await new LocalSessions([await withFirstPoints(chain, 1), target]).copy(jobOf(), NOW_MS);
      target.settleAll();
      const copied = await killed(
        source,
        target,
        1,
        'before',
        ({ kind: done, to }) => done === 'rename' && to?.endsWith('/composed.json') === true,
      );

      // The disk that is new, and so not compared, is written once more.
      const [added] = (await source.list(MACHINE)).filter(({ name }) =>
        name.includes(diskId('added')),
      );
      const file = await source.openWrite(added!.path, 'existing');
      const { sizeBytes } = await file.stamp();
      for (let at = 0; at < sizeBytes; at += 64 * KIB) {
        const block = Buffer.alloc(64 * KIB);
        await file.read(block, at);
        // Noise; every table has zeros.
        if (block.indexOf(Buffer.alloc(64)) < 0) await file.write(Buffer.alloc(64 * KIB, 0x77), at);
      }
      await file.close();

      const stopped = await killed(
        source,
        copied,
        2,
        'after',
        ({ kind: done, path }) => done === 'remove' && path.endsWith(`/${kind}`),
      );
      expect(await session(source, stopped, 3).toEnd()).toBeNull();

      const [workload] = await listSourceWorkloads(source);
      const place = chainFolder(jobOf().id, workload!.id);
      const disk = (await readChainRecord(stopped, place))!.points
        .at(-1)!
        .disks.find((entry) => entry.disk === diskId('added'))!;
      const context = new InProcessMover(source, stopped).context();
      const read = async (layer: Omit<LayerFile, 'stamp' | 'format'>) => {
        const stack = await ImageStack.open(context, [{ ...layer, format: 'qcow2', stamp: null }]);
        const bytes = Buffer.alloc(MIB);
        await stack.read(bytes, 0);
        await stack.close();
        return bytes;
      };
      const expected = await read({ repositoryId: source.id, path: added!.path });
      expect(expected.subarray(0, 256 * KIB).equals(Buffer.alloc(256 * KIB, 0x77))).toBe(true);
      const shown = await read({ repositoryId: stopped.id, path: `${place}/${disk.path}` });
      expect(shown.equals(expected)).toBe(true);
    });
  },
);
