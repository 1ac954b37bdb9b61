import { closeSync, existsSync, ftruncateSync, openSync, rmSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeThinChain } from '../../support/kill-table/source-chain.js';
import { requireTool } from '../../support/image/qemu.js';
import { CompiledProcess } from '../../support/mover/compiled-process.js';
import { THIN_DISK_BYTES, THIN_FULLS, THIN_INCREMENT } from '../../support/mover/thin-days.js';

/** Of the process that does the operation and nothing else: the goal of docs/PERFORMANCE.md. What grows with a disk of this size takes hundreds. */
const MAX_PEAK_MIB = 160;

/** ext4 holds no file of more than 16 TiB, a file system in memory does. */
const ROOMY_FOLDER = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

function holdsThinDisk(folder: string): boolean {
  const path = join(folder, `longhaul-probe-${process.pid}`);
  const file = openSync(path, 'w');
  try {
    ftruncateSync(file, THIN_DISK_BYTES);
    return true;
  } catch {
    return false;
  } finally {
    closeSync(file);
    rmSync(path);
  }
}

/** How long they take, thin-disk.test.ts shows. */
describe.skipIf(!requireTool('qemu-img') || !existsSync('/proc/self/status'))(
  'the memory for a disk of 64 TiB with 1 MiB of data',
  () => {
    let mover: CompiledProcess;
    let folder: string;
    let restored: string;
    beforeAll(async () => {
      mover = await CompiledProcess.create();
      folder = await mkdtemp(join(tmpdir(), 'longhaul-thin-'));
      restored = await mkdtemp(join(ROOMY_FOLDER, 'longhaul-thin-'));
      for (const name of ['increment', 'fulls'])
        await mkdir(join(folder, name, 'target'), { recursive: true });
      makeThinChain(THIN_INCREMENT).repository.exportTo(join(folder, 'increment', 'source'));
      makeThinChain(THIN_FULLS).repository.exportTo(join(folder, 'fulls', 'source'));
    });
    afterAll(async () => {
      await mover.remove();
      for (const path of [folder, restored]) await rm(path, { recursive: true });
    });

    const peakMiB = (chain: 'increment' | 'fulls', operation: string) =>
      mover.peakMiB(
        {
          source: join(folder, chain, 'source'),
          target: join(folder, chain, 'target'),
          restored,
        },
        operation,
      );

    // In this order: each builds on what is there.
    it.each([
      ['increment', 'full'],
      ['increment', 'increment'],
      ['increment', 'verify'],
      ['increment', 'merge'],
      ['fulls', 'full'],
      ['fulls', 'scan'],
      ['fulls', 'synthetic'],
    ] as const)(
      'stays within the bound, with a chain of %ss, in a %s',
      async (chain, operation) => {
        expect(await peakMiB(chain, operation)).toBeLessThan(MAX_PEAK_MIB);
      },
    );

    it.skipIf(!holdsThinDisk(ROOMY_FOLDER))('stays within the bound in a raw restore', async () => {
      expect(await peakMiB('increment', 'restore')).toBeLessThan(MAX_PEAK_MIB);
    });
  },
);
