import { beforeAll, describe, expect, it } from 'vitest';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { CopiedMachine, MachineCopy } from '../../support/living/copied-machine.js';
import type { CrashPlan, StorageOperation } from '../../support/repository/simulated-repository.js';

const UNIT = 65_536;
/** docs/FORMAT.md, Digest table: the head, then one entry for each unit. */
const entryAt = (unit: number): number => 64 + 32 * unit;

let machine: CopiedMachine;
/** What a merge that nothing disturbs makes. */
let right: { readonly record: ChainRecord; readonly table: Buffer };
let operations: readonly StorageOperation[];
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
  const copy = await begin();
  await merge(copy);
  right = { record: await copy.record(), table: await copy.read(copy.pathOf(1, 'digests')) };
  ({ operations } = copy.target);
});

function merge({ mover, input }: MachineCopy): Promise<void> {
  const pair = { fullId: machine.idOf(0), incrementId: machine.idOf(1) };
  return mover.run('mergeIncrement', { ...input, ...pair });
}

/** Its operations are counted from 1. */
async function begin(crash?: CrashPlan): Promise<MachineCopy> {
  const { target, source } = await machine.copy();
  return new MachineCopy(machine, target.clone(crash === undefined ? {} : { crash }), source);
}

/** Numbers of what follows once the digest table has its place, up to the first write of the record that lists what was made. */
function untilListed(): number[] {
  const placed = operations.find(
    ({ kind, path }) => kind === 'rename' && /-merge\/.*\.digests$/.test(path),
  )!;
  const listed = operations.find(
    ({ number, path }) => number > placed.number && /chain\.json/.test(path),
  )!;
  const count = listed.number - placed.number;
  return Array.from({ length: count }, (_, index) => placed.number + 1 + index);
}

/** The copy after a stop before that operation, when storage has lost what `rot` takes. */
async function stoppedBefore(
  atOperation: number,
  rot: (copy: MachineCopy) => Promise<void>,
): Promise<MachineCopy> {
  const stopped = await begin({ atOperation, when: 'before' });
  await expect(merge(stopped)).rejects.toThrow();
  expect(stopped.target.isCrashed).toBe(true);
  const next = new MachineCopy(machine, stopped.target.restart({ kind: 'none' }), stopped.source);
  expect((await next.record()).pending?.type).toBe('merge');
  await rot(next);
  return next;
}

async function spoilTable(copy: MachineCopy, unit: number): Promise<void> {
  await copy.spoil(copy.pathOf(1, 'digests'), entryAt(unit) + 5);
}

describe('a merge that is stopped when its digest table has its place, and the record does not list it yet', () => {
  it('makes a table that rotted meanwhile anew, and lists the one that was made', async () => {
    const places = untilListed();
    expect(places.length).toBeGreaterThan(0);
    for (const place of places) {
      const copy = await stoppedBefore(place, (stopped) => spoilTable(stopped, 1));
      await merge(copy);
      expect(await copy.read(copy.pathOf(1, 'digests')), `operation ${place}`).toEqual(right.table);
      expect((await copy.record()).points, `operation ${place}`).toEqual(right.record.points);
      expect(await copy.target.list(`${machine.chain}/.staging`)).toEqual([]);
    }
  });

  it('calls the point corrupt when the merged file has rotted, too', async () => {
    for (const place of untilListed()) {
      const copy = await stoppedBefore(place, async (stopped) => {
        const bytes = await stopped.read(stopped.pathOf(1, 'image'));
        // One that both files held: the merge has put the increment's in its place.
        const unit = bytes.indexOf(machine.block(1, 4)) / UNIT;
        await stopped.spoil(stopped.pathOf(1, 'image'), unit * UNIT);
        await spoilTable(stopped, unit);
      });
      await merge(copy);
      const [merged] = (await copy.record()).points;
      expect([merged!.id, merged!.health], `operation ${place}`).toEqual([
        machine.idOf(1),
        'corrupt',
      ]);
      expect(merged!.disks[0]!.digests).toEqual(right.record.points[0]!.disks[0]!.digests);
    }
  });
});

it('a merge leaves no notes when it has ended, wherever it was stopped after the record had listed what was made', async () => {
  const [first] = operations.filter(
    ({ kind, path }) => kind.startsWith('remove') && path.includes('-merge'),
  );
  expect(first).toBeDefined();
  let listed = 0;
  for (const { number } of operations.slice(untilListed().at(-1))) {
    const stopped = await begin({ atOperation: number, when: 'before' });
    await expect(merge(stopped)).rejects.toThrow();
    const copy = new MachineCopy(machine, stopped.target.restart({ kind: 'none' }), stopped.source);
    if ((await copy.record()).pending?.type === 'delete') listed += 1;
    await merge(copy);
    expect((await copy.record()).points).toEqual(right.record.points);
    const left = await copy.target.list(`${machine.chain}/.staging`);
    expect(left, `operation ${number}`).toEqual([]);
  }
  expect(listed).toBeGreaterThan(3);
});
