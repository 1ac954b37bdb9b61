import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../../src/domain/targets/file-units.js';
import type { ImageStack } from '../../../../src/mover/blocks/image-stack.js';
import type { LayerFile } from '../../../../src/mover/blocks/layer-file.js';
import { SourceDigests } from '../../../../src/mover/blocks/source-digests.js';
import type { MoverContext } from '../../../../src/mover/task/mover-context.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const UNIT_BYTES = 65_536;
const HEADER = { algorithm: 'sha256', units: new FileUnits(NO_SLOTS, 2 * UNIT_BYTES) } as const;
const written = Buffer.alloc(UNIT_BYTES, 'as it was written');
const digest = createHash('sha256').update(written).digest();

describe('digests of a block that was just read', () => {
  let digests: SourceDigests;
  beforeAll(async () => {
    const repository = new SimulatedRepository('offsite');
    const table = Buffer.concat([digestTableHeader(HEADER), Buffer.alloc(32), digest]);
    await repository.put('vda.digests', table);
    const context = { source: async () => repository } as unknown as MoverContext;
    const layer = { repositoryId: 'offsite', digestsPath: 'vda.digests', path: 'vda.qcow2' };
    digests = await SourceDigests.open(context, [layer as LayerFile]);
  });
  afterAll(() => digests.close());

  const places = [{ guestBlock: 0, layer: 0, hostOffset: UNIT_BYTES }];
  const assertGood = (bytes: Buffer, known?: Parameters<SourceDigests['assertGood']>[3]) =>
    digests.assertGood(null as unknown as ImageStack, places, () => bytes, known);
  const other = Buffer.alloc(UNIT_BYTES, 'another');

  it('are made of its bytes', async () => {
    await expect(assertGood(written)).resolves.toBeUndefined();
    await expect(assertGood(other)).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
  });

  it('are not made again where the caller has made them by the same algorithm', async () => {
    await expect(assertGood(other, { digests: digest, by: 'sha256' })).resolves.toBeUndefined();
    const wrong = { digests: Buffer.alloc(32), by: 'sha256' } as const;
    await expect(assertGood(written, wrong)).rejects.toMatchObject({
      code: 'BLOCK_DIGEST_MISMATCH',
    });
  });

  it('are made where the caller has made them by another', async () => {
    const known = { digests: Buffer.alloc(32), by: 'blake3' } as const;
    await expect(assertGood(written, known)).resolves.toBeUndefined();
  });
});

describe('digests of the blocks of a window', () => {
  const UNITS = 200;
  const unitAt = (unit: number) => Buffer.alloc(UNIT_BYTES, unit + 1);
  const digestAt = (unit: number) => createHash('sha256').update(unitAt(unit)).digest();
  let reads: number;

  /** Every unit of `a.qcow2` is written as `unitAt`, and of `b.qcow2` the other way round. */
  async function open(): Promise<SourceDigests> {
    const header = digestTableHeader({
      ...HEADER,
      units: new FileUnits(NO_SLOTS, UNITS * UNIT_BYTES),
    });
    const entries = Array.from({ length: UNITS }, (_, unit) => digestAt(unit));
    const repository = new SimulatedRepository('offsite');
    await repository.put('a.digests', Buffer.concat([header, ...entries]));
    await repository.put('b.digests', Buffer.concat([header, ...entries.toReversed()]));
    reads = 0;
    const openRead = async (path: string) => {
      const file = await repository.openRead(path);
      const read: typeof file.read = (...of) => ((reads += 1), file.read(...of));
      return new Proxy(file, {
        get: (of, name) => (name === 'read' ? read : (Reflect.get(of, name) as unknown)),
      });
    };
    const context = { source: async () => ({ openRead }) } as unknown as MoverContext;
    const layers = ['a', 'b'].map((name) => ({
      ...{ repositoryId: 'offsite', digestsPath: `${name}.digests`, path: `${name}.qcow2` },
    }));
    return SourceDigests.open(context, layers as LayerFile[]);
  }

  /** @param units of a layer each; shown as written */
  async function faultOf(
    digests: SourceDigests,
    units: [layer: number, unit: number][],
    bad: number[] = [],
  ) {
    const places = units.map(([layer, unit], guestBlock) => ({
      ...{ guestBlock, layer, hostOffset: unit * UNIT_BYTES },
    }));
    const shown = units.map(([layer, unit], i) =>
      bad.includes(i)
        ? Buffer.alloc(UNIT_BYTES, 250)
        : unitAt(layer === 0 ? unit : UNITS - 1 - unit),
    );
    const stack = null as unknown as ImageStack;
    return digests
      .assertGood(stack, places, (i) => shown[i]!)
      .then(
        () => null,
        (error: { details: unknown }) => error.details,
      );
  }

  it('are read by runs of neighbouring units', async () => {
    const digests = await open();
    const all = Array.from({ length: 128 }, (_, i): [number, number] => [0, i]);
    expect(await faultOf(digests, all)).toBeNull();
    // The header, and 64 at a time.
    expect(reads).toBe(3);
    await digests.close();
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'find the bad one, of block %i, wherever the blocks lie',
    async (bad) => {
      const digests = await open();
      const units: [number, number][] = [
        [0, 3],
        [0, 4],
        [1, 5],
        [1, 6],
        [1, 9],
        [0, 7],
        [0, 6],
        [0, 7],
      ];
      expect(await faultOf(digests, units)).toBeNull();
      const [layer, unit] = units[bad]!;
      const path = layer === 0 ? 'a.qcow2' : 'b.qcow2';
      expect(await faultOf(digests, units, [bad])).toEqual({ path, offset: unit * UNIT_BYTES });
      await digests.close();
    },
  );
});
