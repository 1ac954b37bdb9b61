import { expect, it } from 'vitest';
import { copyCompanions } from '../../../src/mover/copy/copy-companions.js';
import type { CopyPlan } from '../../../src/mover/staging/copy-plan.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

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
