import { execFileSync } from 'node:child_process';
import { mkdir, statfs, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeLargeChain, type LargeChain } from '../../support/session/large-chain.js';
import { stagedDisk, WINDOW_BYTES } from '../../support/session/staged-disk.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { TestWorkers } from '../../support/session/test-workers.js';
import { describeTemporal } from '../../support/temporal/server.js';

/** Only root may mount a file system of a fixed size. In CI a skip would hide the test. */
const mayMount = process.getuid?.() === 0 || process.env['CI'] !== undefined;

describe.skipIf(!mayMount)('as root', () => {
  describeTemporal('a target without room', () => {
    let site: TestSite;
    let workers: TestWorkers;
    let older: LargeChain;
    let newer: LargeChain;
    const job = testJob();
    beforeAll(async () => {
      site = await TestSite.create(null);
      await mkdir(site.path('primary', 'db04'));
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=208m', 'tmpfs', site.path('offsite')]);
      workers = await TestWorkers.start(site);
      older = await chainOfDay(1);
      expect((await workers.runSession(job)).result).toBe('success');
      newer = await chainOfDay(3);
    });
    afterAll(async () => {
      await workers.stop();
      execFileSync('umount', [site.path('offsite')]);
      await site.remove();
    });

    function chainOfDay(day: number): Promise<LargeChain> {
      const seed = `day ${day}`;
      return makeLargeChain(site.path('primary', 'db04'), { sizeMiB: 128, seed, day });
    }

    it('fails the session with code and hint and leaves the chain as it was', async () => {
      const chain = (await site.chain(job.id, 'db04'))!;
      const { result, tasks } = await workers.runSession(job);
      expect(result).toBe('failed');
      expect(tasks).toMatchObject([
        {
          result: 'failed',
          code: 'REPOSITORY_FULL',
          reason: expect.stringMatching(/no space is left.*Free space or enlarge/),
          committed: [],
        },
      ]);
      expect((await site.chain(job.id, 'db04'))!.points).toEqual(chain.points);
      expect(await site.readBack(job.id, 'db04')).toEqual(older.truth);
    });

    it('gets the rest in the next session once it has room, from the durable position', async () => {
      const { doneWindows } = (await stagedDisk(site, job.id))!;
      expect(doneWindows).toBeGreaterThan(0);
      execFileSync('mount', ['-o', 'remount,size=600m', site.path('offsite')]);

      const { result, tasks } = await workers.runSession(job);
      expect(result).toBe('success');
      const { progress, resumedFromBytes } = tasks[0]!;
      expect(resumedFromBytes).toBeGreaterThan(0);
      expect(progress.readBytes).toBe(progress.totalBytes - doneWindows * WINDOW_BYTES);
      expect(await site.readBack(job.id, 'db04')).toEqual([...older.truth, ...newer.truth]);
    });

    it('is freed of what retention lets go when it has not one byte left, and takes the next copy then', async () => {
      const newest = await chainOfDay(5);
      const { blocks, bfree, bsize } = await statfs(site.path('offsite'));
      const used = String((blocks - bfree) * bsize);
      execFileSync('mount', ['-o', `remount,size=${used}`, site.path('offsite')]);
      await expect(writeFile(site.path('offsite', 'one-byte'), 'x')).rejects.toThrow('ENOSPC');
      const thrifty = { ...job, retention: { type: 'restorePoints', value: 1 } as const };

      const full = await workers.runSession(thrifty);
      expect(full).toMatchObject({
        result: 'failed',
        tasks: [{ code: 'REPOSITORY_FULL', committed: [] }],
      });
      // Its record was written, too.
      expect(full.reason).not.toMatch('record');
      expect(await site.readBack(job.id, 'db04')).toEqual(newer.truth.slice(-1));
      const [next] = (await workers.runSession(thrifty)).tasks;
      expect(next!.committed).toHaveLength(2);
      expect((await site.readBack(job.id, 'db04')).at(-1)).toEqual(newest.truth.at(-1));
    });
  });
});
