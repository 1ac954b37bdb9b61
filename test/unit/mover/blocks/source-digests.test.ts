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
    digests.assertGood(null as unknown as ImageStack, places, bytes, known);
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
