import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import type { ChainRecord, PendingChange } from '../../../src/chain/chain-record.js';
import { digestTableHeader } from '../../../src/chain/digests/digest-table.js';
import { FileUnits, NO_SLOTS } from '../../../src/domain/targets/file-units.js';
import type { TargetDisk, TargetRestorePoint } from '../../../src/domain/targets/target-point.js';
import {
  isReplaced,
  replaceFiles,
  replacementStaging,
} from '../../../src/mover/change/replace-files.js';
import { stagedPath } from '../../../src/mover/staging/copy-plan.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';

const UNIT = 65_536;
const CHAIN = 'nightly/mail01';
const STAGING = replacementStaging(CHAIN, 'p');
const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

interface Files {
  readonly image: Buffer;
  readonly table: Buffer;
}

/** A file and its digest table, by docs/FORMAT.md, Digest table. */
function files(text: string): Files {
  const image = Buffer.alloc(2 * UNIT, text);
  const units = new FileUnits(NO_SLOTS, image.length);
  const entries = [0, 1].map((unit) => sha256(image.subarray(unit * UNIT, (unit + 1) * UNIT)));
  const header = digestTableHeader({ algorithm: 'sha256', units });
  return { image, table: Buffer.concat([header, ...entries]) };
}

function diskOf(disk: string, kind: 'full' | 'increment', { image, table }: Files): TargetDisk {
  const tableDigest = sha256(table).toString('hex');
  const digests = { path: `p/${disk}.digests`, algorithm: 'sha256', tableDigest } as const;
  const paths = { path: `p/${disk}.qcow2`, tablesPath: `p/${disk}.tables` };
  return { disk, kind, format: 'qcow2', ...paths, digests, sizeBytes: image.length } as TargetDisk;
}

const [OLD, NEW] = [
  { vda: files('old a'), vdb: files('old b') },
  { vda: files('new a'), vdb: files('new b') },
];
const oldDisks = [diskOf('vda', 'increment', OLD.vda), diskOf('vdb', 'increment', OLD.vdb)];
const newDisks = [diskOf('vda', 'full', NEW.vda), diskOf('vdb', 'full', NEW.vdb)];

function point(id: string, more: Partial<TargetRestorePoint>): TargetRestorePoint {
  return {
    ...{ id, kind: 'increment', parentId: 'base', chainId: 'base', flags: [], disks: [] },
    ...{ state: 'available', health: 'corrupt', verifiedAt: null, companions: [], source: {} },
    ...more,
  } as unknown as TargetRestorePoint;
}

const RECORD = {
  points: [
    point('base', { kind: 'full', parentId: null }),
    point('p', { disks: oldDisks, flags: ['monthly'] }),
    point('next', { parentId: 'p' }),
  ],
} as unknown as ChainRecord;
const PENDING = {
  ...{ type: 'replace', pointId: 'p', disks: newDisks, flags: ['weekly', 'monthly'] },
  verifiedAt: '2026-11-07T00:00:00.000Z',
} as Extract<PendingChange, { type: 'replace' }>;

let target: SimulatedRepository;
beforeEach(async () => {
  target = new SimulatedRepository('offsite');
  await target.makePlace(`${CHAIN}/p`);
  await target.makePlace(stagedPath.pointFolder(STAGING));
  for (const [index, disk] of (['vda', 'vdb'] as const).entries()) {
    await target.put(`${CHAIN}/${oldDisks[index]!.path}`, OLD[disk].image);
    await target.put(`${CHAIN}/${oldDisks[index]!.digests.path}`, OLD[disk].table);
    await target.put(stagedPath.image(STAGING, newDisks[index]!), NEW[disk].image);
    await target.put(stagedPath.digests(STAGING, disk), NEW[disk].table);
    await target.put(stagedPath.tables(STAGING, disk), Buffer.from(`tables of ${disk}`));
  }
});

async function replaced(): Promise<ChainRecord> {
  const place = { repository: target, chain: CHAIN };
  const context = new InProcessMover(target).context();
  const points = await replaceFiles(context, place, RECORD, PENDING);
  expect(await target.stat(STAGING)).toBeNull();
  return { ...RECORD, points };
}

async function inPlace(disk: 'vda' | 'vdb'): Promise<'old' | 'new' | 'mixed'> {
  const read = async (path: string) => {
    const file = await target.openRead(`${CHAIN}/${path}`);
    const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
    await file.read(bytes, 0);
    return bytes;
  };
  const [image, table] = [await read(`p/${disk}.qcow2`), await read(`p/${disk}.digests`)];
  const is = ({ [disk]: known }: typeof OLD) =>
    image.equals(known.image) && table.equals(known.table);
  return is(NEW) ? 'new' : is(OLD) ? 'old' : 'mixed';
}

const lose = {
  image: (disk: 'vda' | 'vdb') =>
    target.remove(stagedPath.image(STAGING, newDisks[disk === 'vda' ? 0 : 1]!)),
  table: (disk: 'vda' | 'vdb') => target.remove(stagedPath.digests(STAGING, disk)),
};

describe('a full in the place of the files of a point', () => {
  it('is a full of its own from then on, and what builds on it is its chain', async () => {
    const record = await replaced();
    expect(await Promise.all([inPlace('vda'), inPlace('vdb')])).toEqual(['new', 'new']);
    expect(record.points[1]).toMatchObject({
      ...{ kind: 'full', parentId: null, chainId: 'p', health: 'good', disks: newDisks },
      ...{ verifiedAt: PENDING.verifiedAt, flags: ['monthly', 'weekly'] },
    });
    expect(record.points.map(({ chainId }) => chainId)).toEqual(['base', 'p', 'p']);
    expect(isReplaced(record, PENDING)).toBe(true);
    expect(isReplaced(RECORD, PENDING)).toBe(false);
  });

  it.each([
    ['the image of one disk is lost', () => lose.image('vdb')],
    ['the digests of one disk are lost', () => lose.table('vdb')],
    [
      'the digests of one disk are others',
      () => target.put(stagedPath.digests(STAGING, 'vdb'), NEW.vda.table),
    ],
  ])(
    'takes no place of a disk that it has not whole, and is no full then: %s',
    async (_, spoil) => {
      await spoil();
      const record = await replaced();
      expect(await Promise.all([inPlace('vda'), inPlace('vdb')])).toEqual(['new', 'old']);
      const [own, was] = [record.points[1]!, RECORD.points[1]!];
      expect(own).toEqual({ ...was, disks: [newDisks[0], oldDisks[1]] });
      expect(record.points[2]).toEqual(RECORD.points[2]);
      expect(isReplaced(record, PENDING)).toBe(false);
    },
  );

  it.each([
    ['its image', ['image']],
    ['its digests', ['table']],
    ['both', ['image', 'table']],
  ] as const)(
    'is put in place by who comes after one that was stopped behind %s',
    async (_, moved) => {
      const [disk] = newDisks;
      const moves = {
        image: { from: stagedPath.image(STAGING, disk!), to: `${CHAIN}/${disk!.path}` },
        table: { from: stagedPath.digests(STAGING, 'vda'), to: `${CHAIN}/${disk!.digests.path}` },
      };
      await target.move(
        moved.map((what) => moves[what]),
        CHAIN,
      );
      const record = await replaced();
      expect(await inPlace('vda')).toBe('new');
      expect(record.points[1]).toMatchObject({ kind: 'full', disks: newDisks });
    },
  );

  it('has lost its image where neither of its places has it, though its digests are there', async () => {
    await lose.image('vda');
    await target.put(`${CHAIN}/p/vda.qcow2`, files('of somebody else').image);
    const record = await replaced();
    expect(record.points[1]).toMatchObject({
      kind: 'increment',
      disks: [oldDisks[0], newDisks[1]],
    });
  });
});
