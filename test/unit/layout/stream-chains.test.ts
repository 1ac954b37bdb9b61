import { gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { describe, expect, it } from 'vitest';
import type { FoundTree } from '../../../src/domain/trees/source-tree.js';
import { chooseTreePoints, keptIds } from '../../../src/domain/trees/tree-points.js';
import { streamChainLayout } from '../../../src/layout/agent-images/stream-chains.js';
import { zstdCodec } from '../../../src/image/zstd-codec.js';
import { scanRepository } from '../../../src/layout/scan-repository.js';
import { streamFixture } from '../../support/image/stream-fixture.js';
import { briefPoint, scanTreesWith } from '../../support/layout/scan-trees-with.js';
import { treeOf } from '../../support/layout/tree.js';

const FULL = streamFixture('one.zfs');
/** From the snapshot of `one.zfs` to the next. */
const INCREMENT = streamFixture('increment.zfs');
/** Of all file systems, with two snapshots, and from the second of them to a third. */
const ALL = streamFixture('replicated.zfs');
const ALL_INCREMENT = streamFixture('replicated-increment.zfs');
/** As `zstreamdump` tells them; `zfs get guid` has them in decimal digits. */
const BASE_OF_INCREMENT = BigInt('0xeb3bb988a496875b');
const BASE_OF_ALL = BigInt('0x6b619111331a566e');
/** As `file` tells of the dump of level 1. */
const BASE_OF_DUMP = 'the dump of web01:/dev/loop0 of 2026-11-27T15:55:20.000Z';

type Files = Readonly<Record<string, Uint8Array>>;

const chainsOf = async (files: Files): Promise<FoundTree[]> =>
  scanTreesWith(streamChainLayout, (await treeOf(files)).repository);

/** Names of the workloads that are chains of streams, then those that are machines. */
async function foundIn(files: Files): Promise<{ chains: string[]; machines: string[] }> {
  const found = await scanRepository((await treeOf(files)).repository);
  const names = (isTree: boolean) =>
    found.filter(({ tree }) => (tree !== undefined) === isTree).map(({ name }) => name);
  return { chains: names(true), machines: names(false) };
}

const noise = Buffer.from(
  Uint8Array.from({ length: 300_000 }, (_, at) => Math.imul(at, 2_654_435_761) >>> 24),
);

/** The second builds on the first. */
async function expectChain(files: readonly (readonly [string, Uint8Array])[]): Promise<void> {
  const [tree, ...others] = await chainsOf(Object.fromEntries(files));
  expect(others).toEqual([]);
  const [full, increment] = files.map(([name]) => name.slice('a/'.length));
  expect(tree!.points.map(briefPoint)).toEqual([
    { id: full, kind: 'full', state: 'complete', needs: [] },
    { id: increment, kind: 'increment', state: 'complete', needs: [full] },
  ]);
  expect(tree!.id).toMatch(/^stream-chain-a:web-full\./);
}

function withBytes(stream: Buffer, change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(stream);
  change(bytes);
  return bytes;
}

describe('streams that build on one another', () => {
  it.each<[string, Files]>([
    [
      'of zfs send -i',
      { 'a/web-full-2026-11-24.zfs': FULL, 'a/web-incr-2026-11-25.zfs': INCREMENT },
    ],
    [
      'of zfs send -R -I',
      { 'a/web-full-2026-11-24.zfs': ALL, 'a/web-incr-2026-11-25.zfs': ALL_INCREMENT },
    ],
    [
      'of dump above level 0',
      {
        'a/web-full-2026-11-24.zfs': streamFixture('one.dump'),
        'a/web-incr-2026-11-25.zfs': streamFixture('level-1.dump'),
      },
    ],
  ])('are one workload, whose increment needs its full (%s)', async (what, named) => {
    const ending = what.includes('dump') ? '.ufsdump' : '.zfs';
    await expectChain(
      Object.entries(named).map(([name, bytes]) => [name.replace('.zfs', ending), bytes]),
    );
  });

  it.each<[string, (stream: Buffer) => Uint8Array | Promise<Uint8Array>]>([
    ['gz', gzipSync],
    ['zst', async (stream) => (await zstdCodec()).compress(stream, 3)],
    ['lz4', compressFrameSync],
  ])('are that also when they are packed (%s)', async (packer, pack) => {
    // Packers cut into blocks what is larger than one.
    const large = Buffer.concat([INCREMENT.subarray(0, -312), noise, INCREMENT.subarray(-312)]);
    await expectChain([
      [`a/web-full-2026-11-24.zfs.${packer}`, await pack(FULL)],
      [`a/web-incr-2026-11-25.zfs.${packer}`, await pack(large)],
    ]);
  });

  it('are one workload where the date of a snapshot follows the name of its file system', async () => {
    const found = await foundIn({
      'tank-home@2026-11-24.zfs': FULL,
      'tank-home@autosnap_2026-11-25_00:00:01_daily.zfs': streamFixture('big-endian.zfs'),
      'tank-home@2026-11-26.zfs': ALL,
    });
    const chains = ['tank-home@autosnap_daily.zfs', 'tank-home.zfs'];
    expect(found).toEqual({ chains, machines: [] });
  });

  it('keep their full as long as an increment of it is kept or copied', async () => {
    const [tree] = await chainsOf({
      'web-2026-11-24.zfs': FULL,
      'web-2026-11-25.zfs': INCREMENT,
    });
    const retention = {
      retention: { type: 'restorePoints', value: 1 },
      gfs: null,
      timeZone: 'UTC',
      nowMs: Date.UTC(2026, 10, 26),
    } as const;
    const both = ['web-2026-11-24.zfs', 'web-2026-11-25.zfs'];
    expect([...keptIds(tree!.points, retention, streamChainLayout.rules)].sort()).toEqual(both);
    const chosen = chooseTreePoints(tree!.points, streamChainLayout.rules, {
      ...{
        ...retention,
        mode: 'immediate',
        scope: 'latest',
        withLogs: true,
        copied: new Map<string, number>(),
      },
    });
    expect(chosen.points.map(({ id }) => id)).toEqual(both);
  });

  it.each<[string, string, Buffer, string]>([
    [
      'zfs send -i',
      'web-2026-11-25.zfs',
      INCREMENT,
      `the snapshot with the guid ${BASE_OF_INCREMENT}`,
    ],
    [
      'zfs send -R -I',
      'web-2026-11-25.zfs',
      ALL_INCREMENT,
      `the snapshot with the guid ${BASE_OF_ALL}`,
    ],
    ['dump', 'web-2026-11-25.ufsdump', streamFixture('level-1.dump'), BASE_OF_DUMP],
  ])('say what is missing when their base is not there (%s)', async (_, name, bytes, missing) => {
    const [tree] = await chainsOf({ [name]: bytes });
    expect(tree!.points.map(briefPoint)).toEqual([
      {
        ...{ id: name, kind: 'increment', state: 'complete', needs: [] },
        gap: `${missing} that it builds on is not here`,
      },
    ]);
  });

  it('say that their base is not whole', async () => {
    const [tree] = await chainsOf({
      'web-2026-11-24.zfs': FULL.subarray(0, 5_000),
      'web-2026-11-25.zfs': INCREMENT,
    });
    const { gap } = tree!.points.at(-1)!;
    expect(gap).toMatch(/^web-2026-11-24\.zfs, which it needs, is incomplete: .*DRR_END/);
  });

  it('are increments by their name alone where they were packed otherwise', async () => {
    const [tree] = await chainsOf({ 'web-incr-2026-11-25.zfs.xz': Buffer.alloc(64, 7) });
    expect(tree!.points[0]).toMatchObject({
      ...{ kind: 'increment', needs: [] },
      gap: 'it is packed or encrypted, so nothing tells what it builds on',
    });
  });

  it('that only go on where another was broken off are no fulls', async () => {
    const resumed = withBytes(FULL, (bytes) => bytes.writeUInt8(bytes.readUInt8(18) | 0x40, 18));
    const [tree] = await chainsOf({ 'web-2026-11-25.zfs': resumed });
    expect(tree!.points[0]).toMatchObject({
      ...{ kind: 'increment', needs: [] },
      gap: 'it is the rest of a stream that was broken off, which is not here',
    });
  });

  it('in a circle are told, and end', async () => {
    const guid = FULL.readBigUInt64LE(40);
    const onItself = (from: bigint, to: bigint) =>
      withBytes(FULL, (bytes) => {
        bytes.writeBigUInt64LE(to, 40);
        bytes.writeBigUInt64LE(from, 48);
      });
    const [tree] = await chainsOf({
      'web-2026-11-24.zfs': onItself(guid, 7n),
      'web-2026-11-25.zfs': onItself(7n, guid),
    });
    expect(tree!.points.map(({ gap }) => gap)).toContain('what it builds on builds on it');
    expect(tree!.points).toHaveLength(2);
  });
});

describe('streams that stand for themselves', () => {
  it('are machines, beside chains, where their names hold no date', async () => {
    expect(
      await foundIn({
        'web-2026-11-24.zfs': FULL,
        'web-2026-11-25.zfs': INCREMENT,
        'other.zfs': streamFixture('big-endian.zfs'),
        'root.ufsdump': streamFixture('one.dump'),
        'image.flar': Buffer.from('flar'),
      }),
    ).toEqual({ chains: ['web.zfs'], machines: ['image.flar', 'other.zfs', 'root.ufsdump'] });
  });

  it('are a chain from the first full on where their names hold a date', async () => {
    const first = { 'web-2026-11-24.zfs': FULL };
    const both = { ...first, 'web-2026-11-25.zfs': INCREMENT };
    for (const files of [first, both])
      expect(await foundIn(files)).toEqual({ chains: ['web.zfs'], machines: [] });
  });

  it('of one name with an increment belong to its workload', async () => {
    const { chains, machines } = await foundIn({
      'web-2026-11-20.zfs': streamFixture('big-endian.zfs'),
      'web-2026-11-24.zfs': FULL,
      'web-2026-11-25.zfs': INCREMENT,
    });
    expect({ chains, machines }).toEqual({ chains: ['web.zfs'], machines: [] });
  });
});
