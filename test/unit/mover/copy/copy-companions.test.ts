import { expect, it } from 'vitest';
import { copyCompanions } from '../../../../src/mover/copy/copy-companions.js';
import type { CopyPlan } from '../../../../src/mover/staging/copy-plan.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

it('finds a companion that is not on the storage as it was written, where the job asks for that', async () => {
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  const file = await source.openWrite('web.xml', 'new');
  await file.write(Buffer.from('<web/>'), 0);
  await file.close();
  target.openReadPastCache = async (path) => {
    const stored = await target.openRead(path);
    return {
      ...{ path, stamp: () => stored.stamp(), close: () => stored.close() },
      async read(bytes, offset) {
        const count = await stored.read(bytes, offset);
        bytes[0]! ^= 1;
        return count;
      },
    };
  };
  const companions = [{ repositoryId: 'primary', path: 'web.xml', stamp: null }];
  const context = new InProcessMover(source, target).context();
  const copy = (verifyAfterCopy: 'cached' | 'direct') => {
    const plan = { pointId: 'point', companions, verifyAfterCopy } as unknown as CopyPlan;
    return copyCompanions(context, target, 'chain/.staging/point', plan);
  };
  expect(await copy('cached')).toHaveLength(1);
  await expect(copy('direct')).rejects.toMatchObject({
    code: 'BLOCK_DIGEST_MISMATCH',
    message: 'chain/.staging/point/point/config/web.xml is not on the storage as it was written',
  });
});

it('keeps companions apart whose names differ in case alone, as some storage takes them for one', async () => {
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  const paths = ['Virtual Machines/web.xml', 'Snapshots/WEB.XML', 'Snapshots/a/Web.xml'];
  for (const path of paths) {
    await source.makeFolder(path.slice(0, path.lastIndexOf('/')));
    const file = await source.openWrite(path, 'new');
    await file.write(Buffer.from(path), 0);
    await file.close();
  }
  const companions = paths.map((path) => ({ repositoryId: 'primary', path, stamp: null }));
  const plan = { pointId: 'point', companions } as unknown as CopyPlan;
  const context = new InProcessMover(source, target).context();
  const copied = await copyCompanions(context, target, 'chain/.staging/point', plan);
  expect(copied.map(({ path }) => path)).toEqual([
    'point/config/web.xml',
    'point/config/2-WEB.XML',
    'point/config/3-Web.xml',
  ]);
});

it('takes no companion that changed since the copy was planned', async () => {
  const [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
  await source.put('web.xml', Buffer.from('<web/>'));
  const stamp = (await source.stat('web.xml'))!.stamp;
  const companions = [{ repositoryId: 'primary', path: 'web.xml', stamp }];
  const plan = { pointId: 'point', companions } as unknown as CopyPlan;
  const context = new InProcessMover(source, target).context();
  const copy = () => copyCompanions(context, target, 'chain/.staging/point', plan);
  expect(await copy()).toHaveLength(1);
  await source.put('web.xml', Buffer.from('<web id="2"/>'));
  await expect(copy()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
});
