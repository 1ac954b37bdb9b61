import { beforeAll, expect, it } from 'vitest';
import { CopiedMachine, NOW_MS } from '../../support/living/copied-machine.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
});

const ONWARD = testJob({
  id: 'onward',
  sources: { include: [{ repositoryId: 'offsite' }], exclude: [] },
  target: { repositoryId: 'vault' },
});

it('a copy of a copy in which a table is damaged is no copy of one block in the place of another', async () => {
  const copy = await machine.copy();
  const entryOf = async (block: number) => {
    const entry = Buffer.alloc(8);
    // qcow2, L2 table entry: host offset, and the bit that says that nothing else refers to it.
    entry.writeBigUInt64BE((1n << 63n) | BigInt((await copy.unitOf(0, block)) * 65_536));
    return entry;
  };
  const path = copy.pathOf(0, 'image');
  const [from, to] = [await entryOf(4), await entryOf(6)];
  const at = (await copy.read(path)).indexOf(from);
  const file = await copy.target.openWrite(path, 'existing');
  await file.write(to, at);
  await file.close();

  const vault = new SimulatedRepository('vault');
  const sessions = new LocalSessions([copy.target, vault]);
  const damaged = await sessions.tryToCopy(ONWARD, NOW_MS);
  expect(damaged.tasks).toMatchObject([{ result: 'failed', code: 'BLOCK_DIGEST_MISMATCH' }]);

  const healed = await copy.target.openWrite(path, 'existing');
  await healed.write(from, at);
  await healed.close();
  expect((await sessions.copy(ONWARD, NOW_MS + 86_400_000)).result).toBe('success');
});
