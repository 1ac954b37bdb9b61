import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { RepositoryView } from '../../../src/api/repositories/repository-schemas.js';
import type { SessionView } from '../../../src/api/sessions/session-schemas.js';
import { choosePort } from '../../../src/temporal/server-record.js';
import { LonghaulApi } from '../../support/session/longhaul-api.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import { libvirtTruth, testJob, TestSite } from '../../support/session/test-site.js';
import { describeTemporal, temporalBinaryPath } from '../../support/temporal/server.js';

/** A whole server that is started again while the share of its target is not mounted. */
describeTemporal('a target whose share is not mounted', () => {
  const job = testJob({ id: 'nightly' });
  let site: TestSite;
  let api: LonghaulApi;
  let server: LonghaulProcess;
  beforeAll(async () => {
    site = await TestSite.create();
    const [port, uiPort, apiPort] = [await freePort(), await freePort(), await freePort()];
    const temporal = { type: 'embedded', binaryPath: temporalBinaryPath(), port, uiPort } as const;
    const config = await writeConfig(site, temporal, { port: apiPort });
    api = new LonghaulApi(apiPort);
    server = await LonghaulProcess.serve(config);
    await api.createJob(job);
    const { result } = await api.waitForEnd(await api.startJob(job.id));
    expect(result).toBe('success');
    await server.kill();
    await rename(site.path('offsite'), site.path('share'));
    await mkdir(site.path('offsite'));
    server = await LonghaulProcess.serve(config);
  });
  afterAll(async () => {
    await server.kill();
    await site.remove();
  });

  async function mount(folder: string): Promise<void> {
    await rm(site.path('offsite'), { recursive: true });
    await rename(site.path(folder), site.path('offsite'));
  }

  it('gets nothing written into its mount point, and the session goes on when it is back', async () => {
    const session = await api.startJob(job.id);
    const waiting = await vi.waitFor(
      async () => {
        const { tasks } = (await api.call('GET', `/sessions/${session}`)) as SessionView;
        expect(tasks[0]?.retry?.code).toBe('REPOSITORY_NOT_MOUNTED');
        return tasks[0]!;
      },
      { timeout: 120_000, interval: 200 },
    );
    expect(waiting.retry!.reason).toContain(site.path('offsite'));
    const view = await offsite();
    expect([view.reachable, view.reason]).toEqual([
      false,
      expect.stringContaining('is it mounted?'),
    ]);
    for (const list of ['workloads', 'restore-points', 'jobs'])
      await expect(api.call('GET', `/repositories/offsite/${list}`)).rejects.toThrow(
        /503 .*REPOSITORY_NOT_MOUNTED/,
      );
    expect(await readdir(site.path('offsite'))).toEqual([]);

    await mount('share');
    const { result } = await api.waitForEnd(session);
    expect(result).toBe('nothingToCopy');
    expect((await site.chain(job.id, 'web01'))!.points).toHaveLength(3);
  });

  it('is not exchanged for another one until the operator says so', async () => {
    await rename(site.path('offsite'), site.path('old'));
    await mkdir(site.path('offsite'));
    const accepted = (await api.call('POST', '/repositories/offsite/accept')) as RepositoryView;
    expect(accepted).toMatchObject({ reachable: true, markerId: expect.any(String) });

    const { result } = await api.waitForEnd(await api.startJob(job.id));

    expect(result).toBe('success');
    const truth = Object.values((await libvirtTruth())['web01']!);
    expect(await site.readBack(job.id, 'web01')).toEqual(truth);
  });

  async function offsite(): Promise<RepositoryView> {
    const { items } = (await api.call('GET', '/repositories')) as { items: RepositoryView[] };
    return items.find(({ id }) => id === 'offsite')!;
  }
});

async function freePort(): Promise<number> {
  return choosePort(0, null);
}
