import { beforeAll, describe, expect, it } from 'vitest';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import type { RestoreFormat } from '../../../src/domain/targets/restore-format.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import type { ImageHead } from '../../../src/image/disk-image.js';
import { readTargetHead } from '../../../src/mover/blocks/layer-file.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { ChangeRun, NOW_MS } from '../../support/kill-table/change-run.js';
import { KillTally } from '../../support/kill-table/kill-tally.js';
import { faultsOfDigests, readShownPoints } from '../../support/kill-table/read-points.js';
import { prepareScenario, type ScenarioName } from '../../support/kill-table/scenarios.js';
import { composed } from '../../support/kill-table/machine-formats.js';
import { makeMachinesKnown } from '../../support/kill-table/machine-layout.js';
import { makeMergedSlabsKnown } from '../../support/slab/merged-slabs.js';
import { makeSlabsKnown, SLABS } from '../../support/kill-table/source-format.js';
import { tryPositions, type Scenario } from '../../support/kill-table/try-positions.js';
import { requireTool } from '../../support/image/qemu.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { restoreInto } from '../../support/mover/restore-into.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

/** Every change of a chain, and where to stop it. What merges with qcow2 takes the way of a synthetic full here. */
const STRIDES: Readonly<Partial<Record<ScenarioName, number>>> = {
  'copy of a chain of 2': 47,
  'copy of one increment': 101,
  'copy with machine description files': 71,
  'copy by digests': 23,
  'merge in a chain of 2': 37,
  'GFS full in the middle, then delete': 127,
  'delete of a chain': 23,
  'heal of damaged blocks': 23,
  'quarantine of what cannot be healed': 23,
};

/** The proof that a format is a row: nothing in the product knows this one. */
describe.skipIf(!requireTool('qemu-img'))('a format that is known by its row alone', () => {
  beforeAll(makeSlabsKnown);

  it.each(Object.entries(STRIDES))(
    'loses nothing in a %s that is stopped and cut',
    async (name, stride) => {
      const tally = new KillTally();
      const effort = { powerCuts: 1, stride, witnessStride: 0 };
      await tryPositions(await prepareScenario(name as ScenarioName, SLABS), effort, tally);
      expect(tally.findings).toEqual([]);
      expect(tally.total).toMatchObject({ lost: 0, wrong: 0 });
      expect(tally.total.positions).toBeGreaterThan(5);
      expect(tally.total.pointsRead).toBeGreaterThan(5);
    },
  );

  describe('copied as a chain of 6', () => {
    let scenario: Scenario;
    let target: SimulatedRepository;
    beforeAll(async () => {
      scenario = await prepareScenario('copy of a chain of 6', SLABS);
      target = scenario.target.clone();
      await ChangeRun.begin(scenario.change, scenario.source, target, { number: 1 }).toEnd();
    });

    it('shows what the source showed, in files of the same format with their digests', async () => {
      const { shown, faults } = await readShownPoints(target, scenario);
      expect(faults).toEqual([]);
      expect(shown).toHaveLength(6);
      expect(await faultsOfDigests(target, scenario)).toEqual([]);
      const record = await readChainRecord(target, scenario.chain);
      const disks = record!.points.flatMap((point) => point.disks);
      expect(new Set(disks.map(({ path }) => path.split('.').at(-1)))).toEqual(new Set(['slab']));
      expect(new Set(disks.map(({ digests }) => digests.slots?.prefixBytes))).toEqual(
        new Set([24]),
      );
      expect(disks.some(({ kind }) => kind === 'increment')).toBe(true);
    });

    it('keeps what only the format knows, and links each increment to its parent by its id', async () => {
      const heads = await headsOf(target, scenario.chain);
      for (const { head, parent } of heads) {
        expect(head.dialect).toEqual({ color: 7 });
        expect(head.parent?.linkId ?? null).toBe(parent?.linkId ?? null);
      }
      expect(new Set(heads.map(({ head }) => head.linkId)).size).toBe(heads.length);
    });

    it('tells a file that was made on another parent', async () => {
      const record = await readChainRecord(target, scenario.chain);
      const child = record!.points.find(({ kind }) => kind === 'increment')!;
      const parent = record!.points.find(({ id }) => id === child.parentId)!;
      const damaged = target.clone();
      const path = `${scenario.chain}/${parent.disks[0]!.path}`;
      const file = await damaged.openWrite(path, 'existing');
      await file.write(Buffer.alloc(16, 0xab), 24); // its id
      await file.close();
      const work = { targetRepositoryId: target.id, chain: scenario.chain, pointId: child.id };
      const mover = new InProcessMover(damaged);
      const { damage } = await mover.run('prepareVerification', { ...work, nowMs: NOW_MS });
      expect(damage).toMatchObject([
        { type: 'file', reason: expect.stringContaining(`${'ab'.repeat(16)}`) as string },
      ]);
    });

    it('notices every changed byte of a file, in head, prefix, slot and table', async () => {
      const record = await readChainRecord(target, scenario.chain);
      const { path, sizeBytes } = record!.points[0]!.disks[0]!;
      // Head, prefix of the second group, its first slot (600 + 3 × 65,536 + 24 = 197,232), the table's end.
      for (const offset of [10, 197_232 + 3, 197_232 + 24, sizeBytes - 1]) {
        const damaged = target.clone();
        const file = await damaged.openWrite(`${scenario.chain}/${path}`, 'existing');
        const byte = Buffer.alloc(1);
        await file.read(byte, offset);
        byte[0]! ^= 0xff;
        await file.write(byte, offset);
        await file.close();
        expect(await faultsOfDigests(damaged, scenario), `byte ${offset}`).toHaveLength(1);
      }
    });

    it.each(['same', 'raw'] as const)('is restored as %s', async (format) => {
      const record = await readChainRecord(target, scenario.chain);
      for (const { id, source, disks } of record!.points) {
        const restored = new SimulatedRepository(folderRepositoryId('/restored'));
        await restoreInto(restored, target, { chain: scenario.chain, pointId: id, format });
        for (const { disk } of disks) {
          const bytes = await readWholeFile(restored, `${disk}.${extension(format)}`, 2 ** 24);
          const expected = scenario.truth.get(source.restorePointId)!.get(disk)!;
          const read = format === 'raw' ? bytes! : slabAsDisk(bytes!);
          expect(read.equals(expected), `${id} ${disk}`).toBe(true);
        }
      }
    });
  });
});

/** The slots of these lie behind prefixes, on no multiple of 64 KiB. */
describe.skipIf(!requireTool('qemu-img'))('a format whose fulls take up increments', () => {
  beforeAll(() => {
    const forget = [makeMergedSlabsKnown(), makeMachinesKnown('merged-slab')];
    return () => forget.forEach((one) => one());
  });

  it.each([
    ['merge in a chain of 2', 41],
    ['merge of zeros alone', 101],
    ['two merges in a chain of 6', 251],
  ] as const)('loses nothing in a %s that is stopped and cut', async (name, stride) => {
    const tally = new KillTally();
    const scenario = await prepareScenario(name, composed('merged-slab', { color: 7 }));
    const effort = { powerCuts: 1, stride, witnessStride: 0 };
    await tryPositions(scenario, effort, tally);
    expect(tally.findings).toEqual([]);
    expect([...tally.steps.keys()]).toContain('mergeIncrement');
  });
});

/** Of every file of the chain, with that of the one it builds on. */
async function headsOf(
  target: SimulatedRepository,
  chain: string,
): Promise<{ head: ImageHead; parent: ImageHead | null }[]> {
  const record = await readChainRecord(target, chain);
  const context = new InProcessMover(target).context();
  const heads: { head: ImageHead; parent: ImageHead | null }[] = [];
  for (const { parentId, disks } of record!.points)
    for (const disk of disks) {
      const read = (file: TargetDisk) =>
        readTargetHead(context, { targetRepositoryId: target.id, chain }, file);
      const below = record!.points.find(({ id }) => id === parentId)?.disks;
      const parent = below?.find((entry) => entry.disk === disk.disk);
      const hasParent = disk.kind === 'increment' && parent !== undefined;
      heads.push({ head: await read(disk), parent: hasParent ? await read(parent) : null });
    }
  return heads;
}

function extension(format: RestoreFormat): string {
  return format === 'raw' ? 'raw' : 'slab';
}

/** A full of the toy's own tool: it knows its format and nothing of Longhaul (`slab-format.ts` says how it is laid out). */
function slabAsDisk(file: Buffer): Buffer {
  const disk = Buffer.alloc(Number(file.readBigUInt64LE(8)));
  const slotCount = Number(file.readBigUInt64LE(16));
  const table = 600 + Math.ceil(slotCount / 3) * 24 + slotCount * 65_536;
  for (let block = 0; block * 65_536 < disk.length; block++) {
    const entry = table + 5 * Math.floor(block / 4);
    if (((file[entry + 4]! >> (block % 4)) & 1) === 0) continue;
    const slot = file.readUInt32LE(entry) - 1 + (block % 4);
    const offset = 600 + slot * 65_536 + (Math.floor(slot / 3) + 1) * 24;
    file.copy(disk, block * 65_536, offset, offset + 65_536);
  }
  return disk;
}
