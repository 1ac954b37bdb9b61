import { beforeAll, describe, expect, it, vi } from 'vitest';
import { writeChainRecord } from '../../../src/chain/chain-store.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import type { DiskImage } from '../../../src/image/disk-image.js';
import { QCOW2 } from '../../../src/image/qcow2/qcow2-format.js';
import { MOST_TABLE_BYTES } from '../../../src/mover/blocks/stack-tables.js';
import type { PointRestore } from '../../../src/mover/restore/point-restore.js';
import { writeStagedJson } from '../../../src/mover/staging/copy-plan.js';
import { assertNoneUnderWay } from '../../../src/mover/staging/restore-under-way.js';
import type { MoverContext } from '../../../src/mover/task/mover-context.js';
import { composeDisk } from '../../support/image/composed-disk.js';
import { CopiedMachine, NOW_MS, type MachineCopy } from '../../support/living/copied-machine.js';
import { DESTINATION, MachineRestore } from '../../support/living/machine-restore.js';

let machine: CopiedMachine;
beforeAll(async () => {
  machine = await CopiedMachine.make();
});

/** A byte of its file is written again, as it was. */
async function touch({ target }: MachineCopy, { disks }: TargetRestorePoint): Promise<void> {
  const file = await target.openWrite(`${machine.chain}/${disks[0]!.path}`, 'existing');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0);
  await file.write(byte, 0);
  await file.close();
}

it('a restore of the files is not the rest of a raw one that was stopped: it brings the description of the machine', async () => {
  const described = await CopiedMachine.make({ description: Buffer.from('<domain/>') });
  const order = { pointId: described.idOf(3) };
  const raw = new MachineRestore(await described.copy(), 'raw', order);
  await raw.prepare();
  const files = new MachineRestore(raw.copy, 'same', order, raw.folder);
  await files.write();
  expect((await files.finish()).length).toBe(2);
});

describe('a raw restore', () => {
  it('gives the disk bit for bit, holds a lease meanwhile and leaves nothing else', async () => {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    await restore.write();
    expect(await restore.leases()).toEqual(['restore.json']);
    const [path] = await restore.finish();
    expect((await restore.bytes(path!)).equals(machine.disk(3))).toBe(true);
    expect(await restore.leases()).toEqual([]);
    expect((await restore.folder.list('')).map(({ name }) => `${DESTINATION}/${name}`)).toEqual([
      path,
    ]);
  });

  it.each(['raw', 'same'] as const)(
    'gives the disk of a chain whose tables take more than those of a source may (%s)',
    async (format) => {
      const file = await composeDisk(QCOW2.composer, {
        ...{ virtualSizeBytes: 65_536, dialect: {} },
        blocks: new Map(),
      });
      const images = Object.getPrototypeOf(await QCOW2.open(file)) as DiskImage;
      const tableBytes = vi.spyOn(images, 'tableBytes', 'get').mockReturnValue(MOST_TABLE_BYTES);
      try {
        const restore = new MachineRestore(await machine.copy(), format);
        await restore.write();
        const [path] = await restore.finish();
        const bytes = await restore.bytes(path!);
        if (format === 'raw') expect(bytes.equals(machine.disk(3))).toBe(true);
        else expect(bytes.length).toBeGreaterThan(0);
        expect(tableBytes).toHaveBeenCalled();
      } finally {
        tableBytes.mockRestore();
      }
    },
  );

  it('that has ended, ended again, leaves what was ordered there meanwhile', async () => {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    await restore.write();
    await restore.finish();
    const orders = `${restore.staging}/orders`;
    await restore.folder.makePlace(orders);
    await writeStagedJson(restore.folder, `${orders}/two.json`, { token: 'two' });
    await restore.end();
    expect((await restore.folder.list(orders)).map(({ name }) => name)).toEqual(['two.json']);
  });

  it('goes on where it stopped', async () => {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    await restore.write();
    const { disks } = await restore.prepare();
    expect(disks).toMatchObject([{ windowCount: 1, firstOpenWindow: 1 }]);
  });

  it.each(['raw', 'same'] as const)(
    'keeps what it has written when a file of the copy was healed (%s)',
    async (format) => {
      const restore = new MachineRestore(await machine.copy(), format);
      const { copy } = restore;
      await restore.write();
      const { reference } = await restore.prepare();
      const units = [await copy.unitOf(1, 7)];
      await copy.spoil(copy.pathOf(1, 'image'), units[0]! * 65_536);
      const heal = { ...copy.input, pointId: machine.idOf(1), units };
      const { disk } = machine.before.points[1]!.disks[0]!;
      expect((await copy.mover.run('healDisk', { ...heal, disk })).remaining).toEqual([]);
      const again = await restore.prepare();
      expect(again.reference).toEqual(reference);
      expect(again.disks.every((work) => work.firstOpenWindow === work.windowCount)).toBe(true);
      await restore.write();
      const [path] = await restore.finish();
      if (format === 'raw') expect((await restore.bytes(path!)).equals(machine.disk(3))).toBe(true);
    },
  );

  it.each(['work', 'point'])(
    'writes again what is gone when a file is lost from %s',
    async (folder) => {
      const first = new MachineRestore(await machine.copy(), 'raw');
      await first.write();
      const names = (await first.folder.list(`${first.staging}/${folder}`)).map(({ name }) => name);
      expect(names).not.toEqual([]);
      for (const name of names) {
        const restore = new MachineRestore(await machine.copy(), 'raw');
        await restore.write();
        await restore.folder.remove(`${restore.staging}/${folder}/${name}`);
        await restore.write();
        const [path] = await restore.finish();
        expect((await restore.bytes(path!)).equals(machine.disk(3)), name).toBe(true);
      }
    },
  );

  it('takes no window for done when a file of the copy has changed since it was opened', async () => {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    const { folder, copy } = restore;
    const openWrite = folder.openWrite.bind(folder);
    folder.openWrite = async (path, ...how) => {
      const file = await openWrite(path, ...how);
      if (!path.endsWith('.raw')) return file;
      const write = async (bytes: Uint8Array, offset: number) => {
        await file.write(bytes, offset);
        await touch(copy, machine.before.points[3]!);
      };
      return new Proxy(file, {
        get: (of, name) => {
          const own: unknown = name === 'write' ? write : Reflect.get(of, name, of);
          return typeof own === 'function' ? (own.bind(of) as unknown) : own;
        },
      });
    };
    await expect(restore.write()).rejects.toMatchObject({ code: 'SOURCE_CHANGED' });
    const { disks } = await restore.prepare();
    expect(disks).toMatchObject([{ firstOpenWindow: 0 }]);
  });
});

describe.each(['raw', 'same'] as const)(
  'a restore (%s) whose last steps are done again',
  (format) => {
    it('names the same files, and has ended once it has ended', async () => {
      const restore = new MachineRestore(await machine.copy(), format);
      await restore.write();
      const files = await restore.name();
      expect(files).toHaveLength(1);
      expect(await restore.name()).toEqual(files);
      await restore.end();
      await restore.end();
      expect(await restore.leases()).toEqual([]);
      expect((await restore.folder.list('')).map(({ name }) => `${DESTINATION}/${name}`)).toEqual(
        files,
      );
    });
  },
);

describe('a restore from storage that takes no write', () => {
  it.each(['REPOSITORY_READ_ONLY', 'REPOSITORY_FULL'] as const)(
    'gives the disk without a lease, and says why there is none (%s)',
    async (code) => {
      const restore = new MachineRestore(await machine.copy(), 'raw');
      const { target } = restore.copy;
      const refused = () => Promise.reject(new BackupError(code, 'it takes no write'));
      const calls = ['makeFolder', 'openWrite', 'rename', 'removeFile'] as const;
      for (const call of calls) Object.assign(target, { [call]: refused });
      expect(await restore.prepare()).toMatchObject({ unleased: 'it takes no write' });
      await restore.write();
      const [path] = await restore.finish();
      expect((await restore.bytes(path!)).equals(machine.disk(3))).toBe(true);
    },
  );

  it('gives the disk from a repository that may only be read, and says so', async () => {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    restore.mover.readOnly = new Set([restore.copy.target.id]);
    expect(await restore.prepare()).toMatchObject({
      unleased: expect.stringContaining('is only read') as string,
    });
    await restore.write();
    const [path] = await restore.finish();
    expect((await restore.bytes(path!)).equals(machine.disk(3))).toBe(true);
  });

  it('does not take storage that is away for it', async () => {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    const away = () => Promise.reject(new BackupError('REPOSITORY_UNREACHABLE', 'it is away'));
    Object.assign(restore.copy.target, { openWrite: away });
    await expect(restore.prepare()).rejects.toMatchObject({ code: 'REPOSITORY_UNREACHABLE' });
  });
});

describe('a folder that cannot hold what is restored', () => {
  const BLOCK = 65_536;
  /** Blocks of the newest point that are not zeros, by what the guest wrote. */
  const stored = () =>
    Array.from({ length: 12 }, (_, block) => machine.block(3, block)).filter((bytes) =>
      bytes.some((byte) => byte !== 0),
    ).length;

  async function into(freeBytes: number, isPlain = true) {
    const restore = new MachineRestore(await machine.copy(), 'raw');
    restore.folder.capacity = () =>
      Promise.resolve({ totalBytes: freeBytes, freeBytes, ...(isPlain ? { isPlain } : {}) });
    return restore;
  }

  it('is refused before anything is written, by what is not zeros', async () => {
    const small = await into(Math.floor(((stored() - 1) * BLOCK) / 1.05));
    await expect(small.prepare()).rejects.toMatchObject({ code: 'REPOSITORY_FULL' });
    const large = await into(stored() * BLOCK);
    await large.write();
    const [path] = await large.finish();
    expect((await large.bytes(path!)).equals(machine.disk(3))).toBe(true);
  });

  it('counts no block of which the digest says that it is zeros', async () => {
    const restore = await into(Math.ceil(((stored() - 1) * BLOCK) / 1.05));
    const { copy } = restore;
    const file = await copy.target.openWrite(copy.pathOf(0, 'digests'), 'existing');
    // docs/FORMAT.md, Digest table: 64 bytes, then 32 for each unit, zeros for one of zeros.
    await file.write(Buffer.alloc(32), 64 + 32 * (await copy.unitOf(0, 8)));
    await file.close();
    await restore.prepare();
  });

  it('is tried where the storage may compress, and when the restore has begun', async () => {
    await (await into(BLOCK, false)).prepare();
    const begun = await into(stored() * BLOCK);
    await begun.write();
    begun.folder.capacity = () => Promise.resolve({ totalBytes: 1, freeBytes: 1, isPlain: true });
    await begun.prepare();
  });
});

describe('a restore of a copy in which a table is damaged', () => {
  it.each(['raw', 'same'] as const)(
    'shows no block in the place of another as %s, whatever the digests of both say',
    async (format) => {
      const copy = await machine.copy();
      await copy.misplace(0, 4, 6);
      const restore = new MachineRestore(copy, format);
      await expect(restore.write()).rejects.toMatchObject({ code: 'BLOCK_DIGEST_MISMATCH' });
    },
  );
});

describe('a restore beside which another one was begun in the same folder', () => {
  it.each(['raw', 'same'] as const)(
    'as %s does not name the files of the other, nor say that it has ended when the other has',
    async (format) => {
      const first = new MachineRestore(await machine.copy(), format);
      await first.write();
      const other = format === 'raw' ? 'same' : 'raw';
      const second = new MachineRestore(first.copy, other, { leaseId: 'other' }, first.folder);
      await expect(second.prepare()).rejects.toMatchObject({
        code: 'RESTORE_DESTINATION_INVALID',
        message: expect.stringContaining('is under way'),
      });
      expect(await first.leases()).toEqual(['restore.json']);
      // Its worker was away for longer than the lease lasts.
      await first.copy.target.remove(`${machine.chain}/.leases/restore.json`);
      await second.prepare();
      await expect(first.finish()).rejects.toMatchObject({ code: 'STAGING_INVALID' });
      await second.write();
      await expect(second.finish()).resolves.toHaveLength(1);
      await expect(first.finish()).rejects.toMatchObject({ code: 'STAGING_INVALID' });
    },
  );
});

describe('a restore that another one of the same point came before, behind its look,', () => {
  it.each(['raw', 'same'] as const)('as %s is refused, and the other ends', async (format) => {
    const first = new MachineRestore(await machine.copy(), format);
    const second = new MachineRestore(first.copy, format, { leaseId: 'other' }, first.folder);
    const list = first.folder.list.bind(first.folder);
    first.folder.list = async (path) => {
      first.folder.list = list;
      await first.write();
      return list(path);
    };
    await expect(second.prepare()).rejects.toMatchObject({ code: 'RESTORE_DESTINATION_INVALID' });
    const [path] = await first.finish();
    expect(path).toBeDefined();
  });
});

describe('a folder in which a restore from a target that is away was begun', () => {
  it('is free for a restore of the point from another target, and from that one is not', async () => {
    const begun = new MachineRestore(await machine.copy(), 'raw');
    await begun.prepare();
    const away = new BackupError('REPOSITORY_UNREACHABLE', 'the share is away');
    const context = { source: () => Promise.reject(away) } as Partial<MoverContext>;
    const from = (repositoryId: string) =>
      assertNoneUnderWay(context as MoverContext, begun.folder, {
        ...{ repositoryId, chain: machine.chain, leaseId: 'other', pointId: machine.idOf(3) },
        ...{ destinationPath: DESTINATION, nowMs: NOW_MS },
      });
    await expect(from('vault')).resolves.toBeUndefined();
    await expect(from('offsite')).rejects.toBe(away);
  });
});

describe('a restore as files', () => {
  it('gives a whole disk, and again where its staged file was lost', async () => {
    const restore = new MachineRestore(await machine.copy(), 'same');
    await restore.write();
    const staged = await restore.folder.list(`${restore.staging}/point`);
    const image = staged.find(({ name }) => name.endsWith('.qcow2'))!;
    await restore.folder.remove(image.path);
    await restore.write();
    const [path] = await restore.finish();
    const bytes = await restore.bytes(path!);
    expect(bytes.indexOf(machine.block(3, 9))).toBeGreaterThan(0);
    expect(bytes.indexOf(machine.block(3, 4))).toBeGreaterThan(0);
  });
});

describe('a restore is refused', () => {
  it.each<[string, Partial<PointRestore>, string]>([
    ['for a point that is not there', { pointId: 'nobody' }, 'RESTORE_POINT_MISSING'],
    ['for a chain that is not there', { chain: 'nightly/nobody' }, 'RESTORE_POINT_MISSING'],
    ['for a disk that it does not have', { disks: ['sdz'] }, 'REQUEST_INVALID'],
  ])('%s, and leaves no lease', async (_name, more, code) => {
    const restore = new MachineRestore(await machine.copy(), 'raw', more);
    await expect(restore.prepare()).rejects.toMatchObject({ code });
    expect(await restore.leases()).toEqual([]);
  });

  it('of a point that is being merged away, unless it has begun', async () => {
    const more = { pointId: machine.idOf(1) };
    const begun = new MachineRestore(await machine.copy(), 'raw', more);
    await begun.prepare();
    const fresh = new MachineRestore(begun.copy, 'raw', { ...more, leaseId: 'fresh' });
    const pending = { type: 'merge', intoId: machine.idOf(0), fromId: machine.idOf(1) } as const;
    const points = machine.before.points.map((point, place) =>
      place === 1 ? { ...point, state: 'retired' as const } : point,
    );
    const record = { ...machine.before, points, pending };
    await writeChainRecord(begun.copy.target, machine.chain, record);
    await expect(fresh.prepare()).rejects.toMatchObject({ code: 'RESTORE_POINT_MISSING' });
    await expect(begun.prepare()).resolves.toMatchObject({ disks: [{ windowCount: 1 }] });
  });

  it('into a folder that holds something, unless that is allowed', async () => {
    const refused = { code: 'RESTORE_DESTINATION_INVALID' };
    const restore = new MachineRestore(await machine.copy(), 'raw');
    await restore.folder.put('mine', Buffer.from('mine'));
    await expect(restore.prepare()).rejects.toMatchObject(refused);
    const allowed = new MachineRestore(await machine.copy(), 'raw', { intoExisting: true });
    await allowed.folder.put('mine', Buffer.from('mine'));
    await allowed.write();
    const [path] = await allowed.finish();
    expect((await allowed.bytes(path!)).equals(machine.disk(3))).toBe(true);
    expect((await allowed.bytes('mine')).toString()).toBe('mine');
  });

  it('when a file of its name came up meanwhile, which stays', async () => {
    const done = new MachineRestore(await machine.copy(), 'raw');
    await done.write();
    const [path] = await done.finish();
    const name = path!.replace(`${DESTINATION}/`, '');
    const restore = new MachineRestore(await machine.copy(), 'raw', { intoExisting: true });
    await restore.write();
    await restore.folder.put(name, Buffer.from('mine'));
    await expect(restore.finish()).rejects.toMatchObject({ code: 'RESTORE_DESTINATION_INVALID' });
    expect((await restore.bytes(name)).toString()).toBe('mine');
  });
});
