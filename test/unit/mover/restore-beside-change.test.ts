import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PendingChange } from '../../../src/chain/chain-record.js';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { BackupError } from '../../../src/domain/errors.js';
import { replacementStaging } from '../../../src/mover/change/replace-files.js';
import { restoreStaging } from '../../../src/domain/targets/staging-id.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { folderRepositoryId } from '../../../src/repository/open-repository.js';
import { readWholeFile } from '../../../src/repository/replace-file.js';
import { CopiedMachine, MachineCopy, NOW_MS } from '../../support/living/copied-machine.js';
import { MachineRestore } from '../../support/living/machine-restore.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

let machine: CopiedMachine;
let folder: string;
beforeAll(async () => {
  machine = await CopiedMachine.make({ later: () => Promise.resolve() });
  folder = mkdtempSync(join(tmpdir(), 'longhaul-restored-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const MAX_BYTES = 16 * 1024 * 1024;

function merge({ mover, input }: MachineCopy): Promise<void> {
  const pair = { fullId: machine.idOf(0), incrementId: machine.idOf(1) };
  return mover.run('mergeIncrement', { ...input, ...pair });
}

type Change = (copy: MachineCopy) => Promise<unknown>;

/** A change that is stopped after so many operations; null: it ended before. */
async function stopped(
  { target, source }: MachineCopy,
  change: Change,
  atOperation: number,
): Promise<MachineCopy | null> {
  const dying = target.clone({ crash: { atOperation, when: 'after' } });
  await change(new MachineCopy(machine, dying, source)).catch(() => undefined);
  if (!dying.isCrashed) return null;
  return new MachineCopy(machine, dying.restart({ kind: 'none' }), source);
}

async function stoppedMerge(atOperation: number): Promise<MachineCopy | null> {
  return stopped(await machine.copy(), merge, atOperation);
}

/** A full that is staged for point 2, and what puts it in its place. */
async function stagedFull(): Promise<{ copy: MachineCopy; change: Change }> {
  const copy = await machine.copy();
  const input = { ...copy.input, pointId: machine.idOf(2) };
  const { reference, disks } = await copy.mover.run('planSyntheticFull', input);
  const staging = replacementStaging(machine.chain, machine.idOf(2));
  const work = { targetRepositoryId: 'offsite', staging, reference };
  for (const { disk, windowCount: count } of disks)
    await copy.mover.runWindows('copyBlocks', { ...work, disk }, [{ first: 0, count }]);
  await copy.mover.run('composeTargetFile', work);
  const replace = { ...input, reference, flags: [] };
  return { copy, change: ({ mover }) => mover.run('replaceWithFull', replace) };
}

/** Writes what is there. */
async function touch(copy: MachineCopy, path: string): Promise<void> {
  const file = await copy.target.openWrite(path, 'existing');
  await file.write((await copy.read(path)).subarray(0, 1), 0);
  await file.close();
}

/** One that is announced, and has not begun. */
async function announced(pending: PendingChange): Promise<MachineCopy> {
  const copy = await machine.copy();
  await writeChainRecord(copy.target, machine.chain, { ...machine.before, pending });
  return copy;
}

function mergeOfOldest(): PendingChange {
  return { type: 'merge', intoId: machine.idOf(0), fromId: machine.idOf(1) };
}

function replacementOf(point: number): PendingChange {
  const { disks } = machine.before.points[point]!;
  const verifiedAt = new Date(NOW_MS).toISOString();
  return { type: 'replace', pointId: machine.idOf(point), verifiedAt, disks, flags: [] };
}

describe('a restore that finds a change of the files that it needs', () => {
  it.each([
    ['a merge at the bottom of its chain', mergeOfOldest],
    ['a replacement in the middle of it', () => replacementOf(2)],
  ])('waits for %s, and holds it up by no lease', async (_, pending) => {
    const restore = new MachineRestore(await announced(pending()), 'raw');
    await expect(restore.prepare()).rejects.toMatchObject({ code: 'CHAIN_LOCKED' });
    expect(await restore.leases()).toEqual([]);
  });

  it('does not wait for a replacement above it, or a deletion', async () => {
    const below = await announced(replacementOf(3));
    const pointId = machine.idOf(2);
    await new MachineRestore(below, 'raw', { pointId }).prepare();
    const gone = await announced({ type: 'delete', ids: ['2026-10-01T220000Z'] });
    await new MachineRestore(gone, 'raw').prepare();
  });

  it('believes no table without its digest while another lineage of the chain is changed', async () => {
    const copy = await announced(replacementOf(3));
    await copy.misplace(0, 4, 6);
    const restore = new MachineRestore(copy, 'raw', { pointId: machine.idOf(2) });
    await expect(restore.write()).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
  });

  describe('and the end of it, as it has begun,', () => {
    const order = { isChangeStuck: true };

    it('keeps what it has written by proven tables', async () => {
      const copy = await machine.copy();
      const restore = new MachineRestore(copy, 'raw', order);
      await restore.write();
      await writeChainRecord(copy.target, machine.chain, {
        ...(await copy.record()),
        pending: replacementOf(2),
      });
      expect((await restore.prepare()).disks).toMatchObject([{ firstOpenWindow: 1 }]);
    });

    it('keeps what it has written by unproven ones when the same tables prove right', async () => {
      const copy = await announced(replacementOf(2));
      const restore = new MachineRestore(copy, 'raw', order);
      await restore.write();
      const { revision } = await copy.record();
      await writeChainRecord(copy.target, machine.chain, { ...machine.before, revision });
      expect((await restore.prepare()).disks).toMatchObject([{ firstOpenWindow: 1 }]);
    });

    it('takes up nothing that was written by a table that proves wrong', async () => {
      const copy = await announced(replacementOf(2));
      await copy.misplace(0, 4, 6);
      const restore = new MachineRestore(copy, 'raw', order);
      await restore.write();
      const { revision } = await copy.record();
      await writeChainRecord(copy.target, machine.chain, { ...machine.before, revision });
      await expect(restore.prepare()).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
    });
  });

  it.each([
    ['raw', 'merge'],
    ['same', 'merge'],
    ['raw', 'replace'],
  ] as const)(
    'reads them as they lie when the change is stuck, wherever it was stopped (%s, %s)',
    async (format, type) => {
      const { copy: before, change } =
        type === 'merge' ? { copy: await machine.copy(), change: merge } : await stagedFull();
      let stuck = 0;
      for (let atOperation = 1; ; atOperation++) {
        const copy = await stopped(before, change, atOperation);
        if (copy === null) break;
        if ((await copy.record()).pending?.type !== type) continue;
        stuck++;
        const restore = new MachineRestore(copy, format, { isChangeStuck: true });
        await restore.write();
        const [path] = await restore.finish();
        if (format === 'same') continue;
        const bytes = await restore.bytes(path!);
        expect(bytes.equals(machine.disk(3)), `stopped at ${atOperation}`).toBe(true);
      }
      expect(stuck).toBeGreaterThan(5);
    },
  );
});

describe('a restore that is ordered', () => {
  let number = 0;

  async function restore(
    { target, source }: MachineCopy,
    onFolder: (folder: SimulatedRepository) => void = () => undefined,
  ) {
    const destinationPath = join(folder, String(number++));
    const destination = new SimulatedRepository(folderRepositoryId(destinationPath));
    onFolder(destination);
    const sessions = new LocalSessions([source, target, destination]);
    const key = restorePointKey(['nightly', machine.before.workload.id, machine.idOf(3)]);
    const order = { repositoryId: 'offsite', restorePointId: key, format: 'raw' as const };
    const status = await sessions.restore({ ...order, destinationPath }, NOW_MS);
    const name = (await destination.list('')).find(({ type }) => type === 'file')?.path;
    const bytes = name === undefined ? null : await readWholeFile(destination, name, MAX_BYTES);
    return { status, bytes };
  }

  it('while its chain was left in the middle of a merge finishes the merge first', async () => {
    const copy = (await stoppedMerge(12))!;
    expect((await copy.record()).pending?.type).toBe('merge');
    const { status, bytes } = await restore(copy);
    expect(status).toMatchObject({ result: 'success' });
    expect(bytes?.equals(machine.disk(3))).toBe(true);
    expect(await copy.listed()).toEqual([1, 2, 3]);
  });

  it('while a merge of its chain finds no room reads the files as they are, and says so', async () => {
    const copy = (await stoppedMerge(12))!;
    const { openWrite } = copy.target;
    copy.target.openWrite = (path, mode) =>
      /chain\.json|leases/.test(path)
        ? openWrite.call(copy.target, path, mode)
        : Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
    const { status, bytes } = await restore(copy);
    expect(status).toMatchObject({ reason: null, result: 'success' });
    expect(status.notes.join()).toContain('restored while a change waits');
    expect(bytes?.equals(machine.disk(3))).toBe(true);
    expect((await copy.record()).pending?.type).toBe('merge');
  });

  it('is planned again when a file of the copy changed while it was read', async () => {
    const copy = await machine.copy();
    const path = copy.pathOf(3, 'image');
    let isTouched = false;
    const { status, bytes } = await restore(copy, (destination) => {
      const { openWrite } = destination;
      destination.openWrite = async (asked, mode) => {
        if (asked.endsWith('.raw') && mode === 'existing' && !isTouched) {
          isTouched = true;
          await touch(copy, path);
        }
        return openWrite.call(destination, asked, mode);
      };
    });
    expect(isTouched).toBe(true);
    expect(status).toMatchObject({ result: 'success' });
    expect(bytes?.equals(machine.disk(3))).toBe(true);
  });

  it('waits for a merge that began while its lease had lapsed, and finishes it', async () => {
    const copy = await machine.copy();
    let isBegun = false;
    const { status, bytes } = await restore(copy, (destination) => {
      const { openWrite } = destination;
      destination.openWrite = async (asked, mode) => {
        if (asked.endsWith('.raw') && mode === 'existing' && !isBegun) {
          isBegun = true;
          const record = { ...(await copy.record()), pending: mergeOfOldest() };
          await writeChainRecord(copy.target, machine.chain, record);
          await touch(copy, copy.pathOf(0, 'image'));
        }
        return openWrite.call(destination, asked, mode);
      };
    });
    expect(isBegun).toBe(true);
    expect(status).toMatchObject({ result: 'success' });
    expect(bytes?.equals(machine.disk(3))).toBe(true);
    expect(await copy.listed()).toEqual([1, 2, 3]);
  });

  it('is not planned again for ever because it gets on and loses it in turn', async () => {
    const copy = await machine.copy();
    let losses = 0;
    let isToChange = false;
    const { status } = await restore(copy, (destination) => {
      const { openWrite, rename } = destination;
      destination.openWrite = async (asked, mode) => {
        if (asked.endsWith('.raw') && mode === 'existing' && isToChange) {
          isToChange = false;
          await touch(copy, copy.pathOf(3, 'image'));
        }
        return openWrite.call(destination, asked, mode);
      };
      destination.rename = async (from, to) => {
        if (!to.endsWith('.raw') || losses === 20) return rename.call(destination, from, to);
        losses++;
        isToChange = true;
        await destination.remove(`.longhaul-restore-${machine.idOf(3)}/plan.json`);
        throw new BackupError('STAGING_INVALID', 'the plan is gone');
      };
    });
    expect(losses).toBeGreaterThan(1);
    expect(status).toMatchObject({ result: 'failed', code: 'SOURCE_CHANGED' });
  });

  it('and fails gives its lease back, so that it can be ordered again at once', async () => {
    const copy = await machine.copy();
    const full = () => Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
    const { status } = await restore(copy, (destination) => {
      const { openWrite } = destination;
      destination.openWrite = (path, mode) =>
        path.endsWith('.raw') && mode === 'existing'
          ? full()
          : openWrite.call(destination, path, mode);
    });
    expect(status).toMatchObject({ result: 'failed', code: 'REPOSITORY_FULL' });
    expect(await copy.target.list(`${machine.chain}/.leases`)).toEqual([]);
  });

  it('goes on with its own plan when the attempt that wrote it died', async () => {
    const copy = await machine.copy();
    let deaths = 0;
    const { status, bytes } = await restore(copy, (destination) => {
      const { openWrite } = destination;
      destination.openWrite = (path, mode) =>
        path.endsWith('.raw') && deaths++ === 0
          ? Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'the share is away'))
          : openWrite.call(destination, path, mode);
    });
    expect(deaths).toBeGreaterThan(1);
    expect(status).toMatchObject({ result: 'success' });
    expect(bytes?.equals(machine.disk(3))).toBe(true);
  });

  it('and finds no room gives its lease back, so that it can be ordered again at once', async () => {
    const copy = await machine.copy();
    const { status } = await restore(copy, (destination) => {
      destination.capacity = () => Promise.resolve({ totalBytes: 1, freeBytes: 1, isPlain: true });
    });
    expect(status).toMatchObject({ result: 'failed', code: 'REPOSITORY_FULL' });
    expect(await copy.target.list(`${machine.chain}/.leases`)).toEqual([]);
  });

  it('is refused beside one of another point that began at once, though the folder was empty for both', async () => {
    const copy = await machine.copy();
    const other = restoreStaging(machine.idOf(2));
    let left: SimulatedRepository | undefined;
    const { status } = await restore(copy, (destination) => {
      left = destination;
      const list = destination.list.bind(destination);
      destination.list = async (path) => {
        const found = await list(path);
        destination.list = list;
        // Behind the look whether the folder is empty.
        await destination.makePlace(other);
        return found;
      };
    });
    expect(status).toMatchObject({ result: 'failed', code: 'RESTORE_DESTINATION_INVALID' });
    expect((await left!.list('')).map(({ name }) => name)).toEqual([other]);
  });
});
