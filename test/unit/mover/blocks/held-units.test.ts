import { expect, it } from 'vitest';
import { digestTableHeader } from '../../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../../src/domain/targets/file-units.js';
import { HeldUnits } from '../../../../src/mover/blocks/held-units.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

it('says nothing of a file whose table has digests of another algorithm', async () => {
  const target = new SimulatedRepository('offsite');
  const units = new FileUnits(NO_SLOTS, 65_536);
  const open = () => HeldUnits.open(target, 'disk.digests', 'sha256');
  for (const algorithm of ['blake3', 'sha256'] as const) {
    const header = digestTableHeader({ algorithm, units });
    await target.put('disk.digests', Buffer.concat([header, Buffer.alloc(32)]));
    const held = await open();
    expect(held === null).toBe(algorithm === 'blake3');
    await held?.close();
  }
});
