import { cp, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { poke } from '../../support/layout/repository-copy.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

const WEB01 = 'libvirt-0b5f0c9e-7a34-4b8e-9f0d-3c1d6a2e4f51';
/** In the data of the fixture's images, behind their tables. */
const IN_THE_DATA = 6 * 65_536;

describeTemporal('two machines with one id', () => {
  let site: TestSite;
  let workers: TestWorkers;
  afterEach(async () => {
    await workers.stop();
    await site.remove();
  });

  async function cloneOf(folder: string): Promise<void> {
    await cp(site.path('primary', 'web01'), folder, { recursive: true });
    for (const checkpoint of ['cp1', 'cp2', 'cp3'])
      await poke(`${folder}/vda.${checkpoint}.qcow2`, IN_THE_DATA, Buffer.alloc(65_536, 0xc1));
  }

  const tasksOf = async () =>
    (await workers.runSession(testJob())).tasks.filter(({ workload }) => workload === 'web01');

  it('in one repository are named, and neither is copied', async () => {
    site = await TestSite.create();
    await cloneOf(site.path('primary', 'clone'));
    workers = await TestWorkers.start(site);
    expect(await tasksOf()).toMatchObject([
      {
        result: 'failed',
        code: 'WORKLOAD_CLAIMED_TWICE',
        reason: expect.stringContaining(
          `two machines claim the id ${WEB01}: clone and web01: clone/vda.cp1.qcow2 and web01/vda.cp1.qcow2 hold different bytes. Give the clone an id of its own`,
        ) as unknown,
        committed: [],
      },
    ]);
    expect(await site.readBack('nightly', 'web01')).toEqual([]);
    expect(await site.readBack('nightly', 'files01')).toHaveLength(3);
  });

  it('in two sources of one job are named, and the first one is copied', async () => {
    site = await TestSite.create();
    const second = { ...site.repositories[0]!, id: 'second', path: site.path('second') };
    await cloneOf(site.path('second', 'web01'));
    site.otherSources = [second];
    workers = await TestWorkers.start(site);
    const include = [{ repositoryId: 'primary' }, { repositoryId: 'second' }];
    const outcome = await workers.runSession(testJob({ sources: { include, exclude: [] } }));
    expect(outcome.tasks.filter(({ workload }) => workload === 'web01')).toMatchObject([
      {
        result: 'warning',
        code: 'WORKLOAD_CLAIMED_TWICE',
        reason: `repositories primary and second both hold a workload ${WEB01}, and two machines may claim one id: only the one in primary is copied`,
      },
      { result: 'success' },
    ]);
    expect(await site.readBack('nightly', 'web01')).toEqual(
      Object.values((await libvirtTruth())['web01']!),
    );
  });

  it('are called by their ids as well when they share a name, too', async () => {
    site = await TestSite.create();
    const other = site.path('primary', 'other-host');
    await cp(site.path('primary', 'web01'), other, { recursive: true });
    for (const file of (await readdir(other)).filter((name) => name.endsWith('.xml'))) {
      const text = await readFile(join(other, file), 'utf8');
      await writeFile(join(other, file), text.replaceAll('0b5f0c9e', '1c6f1dae'));
    }
    workers = await TestWorkers.start(site);
    const { tasks } = await workers.runSession(testJob());
    expect(tasks.map(({ workload, result }) => [workload, result]).sort()).toEqual([
      ['files01', 'success'],
      [`web01 (${WEB01})`, 'success'],
      [`web01 (${WEB01.replace('0b5f0c9e', '1c6f1dae')})`, 'success'],
    ]);
  });

  it('are told from one machine whose folder was copied by hand', async () => {
    site = await TestSite.create();
    await cp(site.path('primary', 'web01'), site.path('primary', 'copy'), { recursive: true });
    workers = await TestWorkers.start(site);
    expect(await tasksOf()).toMatchObject([{ result: 'success' }]);
  });
});
