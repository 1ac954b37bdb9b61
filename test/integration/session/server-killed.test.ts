import { mkdir, readFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { choosePort } from '../../../src/temporal/server-record.js';
import { makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { LonghaulApi } from '../../support/session/longhaul-api.js';
import { LonghaulProcess, writeConfig } from '../../support/session/longhaul-process.js';
import {
  copiedTwiceBytes,
  stagedDisk,
  waitForWindows,
  WINDOW_BYTES,
} from '../../support/session/staged-disk.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { describeTemporal, temporalBinaryPath } from '../../support/temporal/server.js';

const MIB = 1024 * 1024;

/** A whole server with its embedded Temporal server, as `longhaul serve` starts it. */
describeTemporal('a copy whose server is killed', () => {
  let site: TestSite;
  let chain: LargeChain;
  let config: string;
  let api: LonghaulApi;
  let server: LonghaulProcess;
  beforeAll(async () => {
    site = await TestSite.create(null);
    await mkdir(site.path('primary', 'db02'));
    chain = await makeLargeChain(site.path('primary', 'db02'), {
      sizeMiB: 512,
      seed: 'db02',
    });
    const [port, uiPort, apiPort] = [await freePort(), await freePort(), await freePort()];
    config = await writeConfig(
      site,
      { type: 'embedded', binaryPath: temporalBinaryPath(), port, uiPort },
      { port: apiPort },
    );
    api = new LonghaulApi(apiPort);
    server = await LonghaulProcess.serve(config);
  });
  afterAll(async () => {
    await server.kill();
    await site.remove();
  });

  it('goes on when the Temporal server is killed and comes back with its state', async () => {
    const job = testJob({ id: 'temporal-killed' });
    await api.createJob(job);
    const session = await api.startJob(job.id);
    await waitForWindows(site, job.id, 4);
    const killed = await temporalServerPid();
    process.kill(killed, 'SIGKILL');
    expect((await stagedDisk(site, job.id))!.doneWindows).toBeLessThan(32);

    const { result, reason } = await api.waitForEnd(session);
    expect([result, reason]).toEqual(['success', null]);
    expect(await temporalServerPid()).not.toBe(killed);
    expect(await site.readBack(job.id, 'db02')).toEqual(chain.truth);
  });

  it('goes on by itself when everything is killed and started again', async () => {
    const job = testJob({ id: 'everything-killed' });
    await api.createJob(job);
    const session = await api.startJob(job.id);
    await waitForWindows(site, job.id, 4);
    await server.kill();
    const staged = (await stagedDisk(site, job.id))!;
    expect(copiedTwiceBytes(staged)).toBeLessThanOrEqual(64 * MIB);
    server = await LonghaulProcess.serve(config);

    const { result, tasks } = await api.waitForEnd(session);
    expect(result).toBe('success');
    expect(tasks[0]!.resumedFromBytes).toBeGreaterThanOrEqual(staged.doneWindows * WINDOW_BYTES);
    expect(await site.readBack(job.id, 'db02')).toEqual(chain.truth);
  });

  async function temporalServerPid(): Promise<number> {
    return vi.waitFor(async () => {
      const record = JSON.parse(
        await readFile(site.path('state', 'temporal-server.json'), 'utf8'),
      ) as { process: { pid: number } };
      return record.process.pid;
    });
  }
});

async function freePort(): Promise<number> {
  return choosePort(0, null);
}
