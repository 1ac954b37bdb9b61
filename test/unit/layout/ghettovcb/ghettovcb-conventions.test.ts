import { readdir, utimes } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { ghettoVcbLayout } from '../../../../src/layout/ghettovcb/ghettovcb.js';
import { scanRepository } from '../../../../src/layout/scan-repository.js';
import { descriptorText } from '../../../support/image/vmdk-bytes.js';
import { scanWith } from '../../../support/layout/scan-with.js';
import { treeOf } from '../../../support/layout/tree.js';

const SECTORS = 8;

function run(
  folder: string,
  mark: 'STATUS.ok' | '' = 'STATUS.ok',
): Record<string, string | number> {
  return {
    [`${folder}/web.vmx`]: 'scsi0:0.fileName = "web.vmdk"\n',
    [`${folder}/web.vmdk`]: descriptorText({ extents: [`RW ${SECTORS} VMFS "web-flat.vmdk"`] }),
    [`${folder}/web-flat.vmdk`]: SECTORS * 512,
    ...(mark === '' ? {} : { [`${folder}/${mark}`]: 'Successfully completed backup' }),
  };
}

describe('runs of ghettoVCB under a naming convention of one’s own', () => {
  it('are under way without their mark where another of such a name has it', async () => {
    const copy = await treeOf({ ...run('web/web-Monday'), ...run('web/web-Tuesday', '') });
    const [web, ...others] = await scanRepository(copy.repository);

    expect(others).toEqual([]);
    expect(
      web!.restorePoints.map(({ state, reason, evidence }) => [state, reason, evidence?.closing]),
    ).toEqual([
      ['complete', null, 'closed'],
      ['incomplete', 'STATUS.ok is not there yet', 'awaited'],
    ]);
  });

  it('are none where the definition is that of another machine, or nothing was written for a day', async () => {
    const copy = await treeOf({
      ...{ ...run('web/web-Monday'), ...run('web/web-old', ''), ...run('web/web-20261120', '') },
      'web/web-db/db.vmx': 'scsi0:0.fileName = "db.vmdk"\n',
    });
    const before = new Date(Date.parse('2026-11-20T22:00:00Z'));
    for (const folder of ['web/web-old', 'web/web-20261120'])
      for (const name of await readdir(copy.at(folder)))
        await utimes(copy.at(`${folder}/${name}`), before, before);
    const found = await scanRepository(copy.repository);
    expect(
      found.map(({ id, restorePoints }) => [id, restorePoints.map((point) => point.state)]),
    ).toEqual([
      ['ghettovcb-web', ['incomplete', 'complete']],
      ['vmware-web:web-old:web', ['complete']],
    ]);
  });

  it.each([
    ['web-Monday', ['disk-web:web-Monday:web.vmdk', 'vmware-web:web-Monday:web']],
    ['web-24-11-2026', ['disk-web:web-24-11-2026:web.vmdk', 'ghettovcb-web:web-24-11']],
    [
      'web-20261124',
      [
        ...['disk-web:web:web.vmdk', 'disk-web:web-20261124:web.vmdk'],
        ...['vmware-web:web:web', 'vmware-web:web-20261124:web'],
      ],
    ],
  ])('tell the ids that they had when %s was no name of a run', async (name, ids) => {
    const copy = await treeOf(run(`web/${name}`));
    const [web] = await scanWith(ghettoVcbLayout, copy.repository);
    expect(web!.id).toBe('ghettovcb-web');
    expect(web!.otherIds).toEqual(expect.arrayContaining(ids));
  });

  it('are a machine that was copied by hand where none has a mark', async () => {
    const copy = await treeOf({ ...run('web/web-old', ''), ...run('web/web-0') });
    const found = await scanRepository(copy.repository);
    expect(found.map(({ id, restorePoints: [point] }) => [id, point?.state])).toEqual([
      ['ghettovcb-web', 'complete'],
      ['vmware-web:web-old:web', 'complete'],
    ]);
  });

  it('list each other once, however many are without their mark', async () => {
    const names = Array.from({ length: 12 }, (_, index) => `web/web-copy${index}`);
    const copy = await treeOf(
      Object.fromEntries(names.flatMap((name) => Object.entries(run(name, '')))),
    );
    const listed = new Map<string, number>();
    const { repository } = copy;
    const list = repository.list.bind(repository);
    Object.assign(repository, {
      list: async (folder: string) => {
        listed.set(folder, (listed.get(folder) ?? 0) + 1);
        return list(folder);
      },
    });
    const found = await scanRepository(repository);
    expect(found.map(({ id }) => id)).toHaveLength(12);
    // Of the walk, of the question whose they are, and of what runs there.
    expect(Math.max(...listed.values())).toBeLessThanOrEqual(3);
  });
});
