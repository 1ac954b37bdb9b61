import { beforeEach, describe, expect, it } from 'vitest';
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import { PLAIN_DIALECT } from '../../../src/image/disk-image.js';
import { composerOf, imageFormat } from '../../../src/image/formats.js';
import { assertRoomToMerge } from '../../../src/mover/change/merge-room.js';
import { blockOf, composeDisk, type DiskToCompose } from '../../support/image/composed-disk.js';
import { MemoryBytes } from '../../support/image/byte-files.js';
import { CallCounter } from '../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const BLOCK = 65_536;
const KIB = 1024;
const MIB = 1024 * KIB;
const CHAIN = 'nightly/mail01';
/** One table of qcow2 with clusters of 64 KiB shows so many blocks (QEMU, docs/interop/qcow2): a disk of 2 GiB. */
const OF_TABLE = 8_192;
const BLOCK_COUNT = 4 * OF_TABLE;
/** What a merge writes beside blocks: the record and the like. */
const MARGIN = 256 * KIB;

let target: SimulatedRepository;
beforeEach(() => {
  target = new SimulatedRepository('offsite');
});

type Blocks = DiskToCompose['blocks'];
const data = (...numbers: number[]): Blocks =>
  new Map(numbers.map((block) => [block, blockOf(block)]));

interface Written {
  readonly disk: TargetDisk;
  readonly bytes: Buffer;
}

/** A file with a digest table of 32 bytes for each 64 KiB and a copy of its tables, of which only the sizes count here. */
async function written(
  id: string,
  kind: 'full' | 'increment',
  blocks: Blocks,
  disk = 'vda',
): Promise<Written> {
  const link = 'full.qcow2';
  const parent = {
    link,
    format: 'qcow2',
    linkId: null,
    virtualSizeBytes: BLOCK_COUNT * BLOCK,
  } as const;
  const { bytes } = await composeDisk(composerOf('qcow2'), {
    ...{ virtualSizeBytes: BLOCK_COUNT * BLOCK, blocks, dialect: PLAIN_DIALECT },
    ...(kind === 'full' ? {} : { parent }),
  });
  const paths = [`${id}/${disk}.qcow2`, `${id}/${disk}.digests`, `${id}/${disk}.tables`] as const;
  await target.makePlace(`${CHAIN}/${id}`);
  await target.put(`${CHAIN}/${paths[0]}`, bytes);
  await target.put(`${CHAIN}/${paths[1]}`, Buffer.alloc(64 + 32 * (bytes.length / BLOCK)));
  await target.put(`${CHAIN}/${paths[2]}`, Buffer.alloc(kind === 'full' ? 3_000 : 5_000));
  const digests = { path: paths[1], algorithm: 'sha256', tableDigest: '' } as const;
  const file = { disk, kind, format: 'qcow2', path: paths[0], digests, tablesPath: paths[2] };
  return { disk: { ...file, sizeBytes: bytes.length } as unknown as TargetDisk, bytes };
}

const pointOf = (id: string, ...disks: TargetDisk[]): TargetRestorePoint =>
  ({ id, disks }) as unknown as TargetRestorePoint;

interface Told {
  readonly code: string | null;
  /** What was tried. */
  readonly triedBytes: number;
  readonly message: string;
}

/** @param freeBytes as the storage says; less may be there, or more */
async function ask(
  full: readonly TargetDisk[],
  increment: readonly TargetDisk[],
  { freeBytes = 0, totalBytes = 100 * MIB, isFull = false } = {},
): Promise<Told> {
  target.capacity = () => Promise.resolve({ totalBytes, freeBytes });
  const room = { bytes: 0 };
  const openWrite = target.openWrite.bind(target);
  target.openWrite = async (path, create) => {
    const file = await openWrite(path, create);
    return {
      ...file,
      write: (source, offset) => {
        if (isFull) return Promise.reject(new BackupError('REPOSITORY_FULL', 'no space is left'));
        room.bytes += source.length;
        return file.write(source, offset);
      },
    };
  };
  const place = { repository: target, chain: CHAIN };
  const asked = assertRoomToMerge(
    place,
    pointOf('full', ...full),
    pointOf('inc', ...increment),
    () => undefined,
  );
  const [code, message] = await asked.then(
    () => [null, ''] as const,
    (error: unknown) => [(error as BackupError).code, (error as BackupError).message] as const,
  );
  target.openWrite = openWrite;
  return { code, triedBytes: room.bytes, message };
}

/** By how much the file grows when it takes up the increment: measured, not asked. */
async function growth(full: Written, increment: Written): Promise<number> {
  const file = new MemoryBytes(full.bytes);
  await imageFormat('qcow2').merger!.merge(file, new MemoryBytes(increment.bytes), () => undefined);
  return file.sizeBytes - full.bytes.length;
}

const run = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, i) => first + i);

describe('the room that a merge takes', () => {
  it.each<[string, Blocks, Blocks]>([
    ['blocks that the full has', data(0, 1, 2), data(0, 1, 2)],
    ['one new block', data(0), data(1)],
    ['a block in a table of its own', data(0), data(OF_TABLE)],
    [
      'the first and the last of each table',
      data(0),
      data(OF_TABLE - 1, OF_TABLE, 3 * OF_TABLE - 1, 3 * OF_TABLE),
    ],
    ['the last block', data(0), data(BLOCK_COUNT - 1)],
    ['some that it has and some that it has not', data(...run(0, 40)), data(...run(20, 40))],
    [
      'zeros alone',
      data(0, 1),
      new Map([
        [0, 'zero'],
        [9, 'zero'],
        [OF_TABLE, 'zero'],
      ]),
    ],
    ['blocks over zeros', new Map([[5, 'zero']]), data(5, 6)],
    ['many blocks', data(0), data(...run(100, 180))],
  ])('is at least what it grows by, and hardly more: %s', async (_, has, adds) => {
    const full = await written('full', 'full', has);
    const increment = await written('inc', 'increment', adds);
    const { code, triedBytes } = await ask([full.disk], [increment.disk]);
    expect(code).toBeNull();
    const grown = await growth(full, increment);
    // Digests and copies of tables are written anew.
    const tables = 64 + 32 * ((full.bytes.length + grown) / BLOCK) + 3_000 + 5_000;
    const needed = MARGIN + tables + grown;
    expect(triedBytes).toBeGreaterThanOrEqual(needed);
    // Tables that are new are copied, too, and the reference counts may take some blocks more.
    const inTables = new Set([...adds.keys()].map((block) => Math.floor(block / OF_TABLE))).size;
    expect(triedBytes).toBeLessThanOrEqual(needed + (grown === 0 ? 0 : (2 * inTables + 7) * BLOCK));
  });

  it('is told when it is more than is tried, with what is free, and nothing is written', async () => {
    const full = await written('full', 'full', data(0));
    const increment = await written('inc', 'increment', data(...run(100, 260)));
    const grown = await growth(full, increment);
    const { code, message, triedBytes } = await ask([full.disk], [increment.disk], {
      freeBytes: 17 * MIB,
    });
    expect([code, triedBytes]).toEqual(['REPOSITORY_FULL', 0]);
    const [, bytes, free] = /^merging inc into full may take (\d+) bytes, and (\d+) are free$/.exec(
      message,
    )!;
    expect(Number(bytes)).toBeGreaterThan(grown + MARGIN);
    expect(Number(bytes)).toBeLessThan(grown + MARGIN + 10 * BLOCK + 32_000);
    expect(Number(free)).toBe(17 * MIB);
    const enough = { freeBytes: Number(bytes) };
    expect(await ask([full.disk], [increment.disk], enough)).toMatchObject({
      code: null,
      triedBytes: 0,
    });
    const less = { freeBytes: Number(bytes) - 1 };
    expect((await ask([full.disk], [increment.disk], less)).code).toBe('REPOSITORY_FULL');
  });

  it('is tried where the storage tells of too little, and given back', async () => {
    const full = await written('full', 'full', data(0));
    const increment = await written('inc', 'increment', data(1));
    const before = await target.list(CHAIN);
    const { triedBytes } = await ask([full.disk], [increment.disk]);
    expect(triedBytes).toBeGreaterThan(MARGIN);
    const refused = await ask([full.disk], [increment.disk], { isFull: true });
    expect(refused.code).toBe('REPOSITORY_FULL');
    // Another one's merge finds nothing of it.
    expect(await target.list(`${CHAIN}/.staging`)).toEqual([]);
    expect((await target.list(CHAIN)).map(({ name }) => name)).toEqual(
      expect.arrayContaining(before.map(({ name }) => name)),
    );
  });

  it('is what all disks take together that are increments and have a full', async () => {
    const one = await written('full', 'full', data(0));
    const two = await written('full', 'full', data(0), 'vdb');
    const first = await written('inc', 'increment', data(1));
    const second = await written('inc', 'increment', data(2, 3), 'vdb');
    const own = await written('inc', 'full', data(...run(0, 20)), 'vdc');
    const alone = await written('inc', 'increment', data(...run(0, 20)), 'vdd');
    const needed = async (full: Written[], increment: Written[]) =>
      (
        await ask(
          full.map(({ disk }) => disk),
          increment.map(({ disk }) => disk),
        )
      ).triedBytes;
    const both = await needed([one, two], [first, second]);
    const [ofFirst, ofSecond] = [await needed([one], [first]), await needed([two], [second])];
    expect(both).toBe(ofFirst + ofSecond - MARGIN);
    expect(await needed([one, two], [first, second, own, alone])).toBe(both);
  });

  it('is not asked for where the storage does not tell, and no file is opened where there is plenty', async () => {
    const full = await written('full', 'full', data(0));
    const increment = await written('inc', 'increment', data(1));
    const counter = new CallCounter(target);
    const unknown = await ask([full.disk], [increment.disk], { totalBytes: 0, isFull: true });
    expect(unknown).toMatchObject({ code: null, triedBytes: 0 });
    expect(await ask([full.disk], [increment.disk], { freeBytes: 90 * MIB })).toMatchObject({
      ...{ code: null, triedBytes: 0 },
    });
    expect(counter.opened).toEqual([]);
  });

  it('is looked for no further by a task that was stopped', async () => {
    const full = await written('full', 'full', data(0));
    const increment = await written('inc', 'increment', data(1));
    target.capacity = () => Promise.resolve({ totalBytes: MIB, freeBytes: 0 });
    const stop = () => {
      throw new Error('stopped');
    };
    const place = { repository: target, chain: CHAIN };
    const asked = assertRoomToMerge(
      place,
      pointOf('full', full.disk),
      pointOf('inc', increment.disk),
      stop,
    );
    await expect(asked).rejects.toThrow('stopped');
  });
});
