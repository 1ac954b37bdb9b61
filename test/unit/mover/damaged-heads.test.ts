import { beforeAll, expect, it } from 'vitest';
import { CopiedMachine, type MachineCopy } from '../../support/living/copied-machine.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

// qcow2: version at 4, method of encryption at 32, features that a reader must know at 72 (docs/interop/qcow2.txt of QEMU).
it.each<[string, 0 | 1, (copy: MachineCopy) => Promise<number>]>([
  ['its version', 0, () => Promise.resolve(7)],
  ['its method of encryption', 0, () => Promise.resolve(35)],
  ['its features', 0, () => Promise.resolve(79)],
  [
    'the name of its parent',
    1,
    async (copy) => {
      const parent = machine.before.points[0]!.disks[0]!.path;
      return (await copy.read(copy.pathOf(1, 'image'))).indexOf(parent) + 2;
    },
  ],
])(
  'leaves it to the digests, and to healing, when a bit of %s was flipped',
  async (_, point, at) => {
    const copy = await machine.copy();
    await copy.spoil(copy.pathOf(point, 'image'), await at(copy));
    const input = { ...copy.input, pointId: machine.idOf(point) };
    const { disks, damage } = await copy.mover.run('prepareVerification', input);
    expect(damage).toEqual([]);
    for (const { disk, windowCount: count } of disks)
      await copy.mover.runWindows('verifyBlocks', { ...input, disk }, [{ first: 0, count }]);
    const { disk } = machine.before.points[0]!.disks[0]!;
    const found = { type: 'units', disk, units: [0], count: 1 };
    const read = await copy.mover.run('collectDamage', { ...input, disks });
    expect(read.damage).toEqual([found]);
    // What stands there of blocks and parents is not believed: all that may show it is damaged.
    const lasting = [{ pointId: machine.idOf(point), disk, units: [0] }];
    const order = { ...copy.input, damage: lasting, mayQuarantine: false };
    const { corrupt } = await copy.mover.run('markDamage', order);
    expect(corrupt).toEqual([0, 1, 2, 3].slice(point).map((place) => machine.idOf(place)));
  },
);
