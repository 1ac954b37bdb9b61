import { createHash } from 'node:crypto';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ChainRecord } from '../../../src/chain/chain-record.js';
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { inOtherFiles } from '../../../src/mover/health/other-files.js';
import { FORGETFUL } from '../../../src/layout/file-facts.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import type { SourceRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { CallCounter } from '../../support/repository/count-calls.js';

const UNIT = Buffer.alloc(65_536, 'L');

let rootPath: string;
beforeEach(() => {
  rootPath = mkdtempSync(join(tmpdir(), 'longhaul-heal-'));
  mkdirSync(join(rootPath, 'chain'));
});
afterEach(() => rmSync(rootPath, { recursive: true }));

const write = (name: string, content: string | Buffer) =>
  writeFileSync(join(rootPath, 'chain', name), content);

/** A file of one unit with its digest table (docs/FORMAT.md, Digest table). */
function writeGood(name: string): void {
  const header = Buffer.alloc(64);
  header.write('LHDIGEST', 'latin1');
  [1, 1, 65_536, 32, UNIT.length, 0, 1].forEach((value, i) =>
    header.writeUInt32LE(value, 8 + i * 4),
  );
  write(`${name}.qcow2`, UNIT);
  write(`${name}.digests`, Buffer.concat([header, createHash('sha256').update(UNIT).digest()]));
}

const diskOf = (name: string) =>
  ({
    ...{ disk: 'vda', path: `${name}.qcow2`, tablesPath: `${name}.tables` },
    digests: { path: `${name}.digests`, algorithm: 'sha256', tableDigest: '' },
  }) as unknown as TargetDisk;

/** Its sectors went bad. */
function unreadable(repository: SourceRepository, path: string): void {
  const openRead = repository.openRead.bind(repository);
  repository.openRead = (asked) =>
    asked === path
      ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', `cannot read ${path} (EIO)`))
      : openRead(asked);
}

it.each([
  'its table is gone',
  'its table is damaged',
  'its file is gone',
  'it was cut',
  'it cannot be read',
])(
  'heals from another file of the chain when the first one that is asked has a fault itself: %s',
  async (fault) => {
    writeGood('first');
    writeGood('second');
    if (fault === 'its table is gone') rmSync(join(rootPath, 'chain', 'first.digests'));
    if (fault === 'its table is damaged') write('first.digests', 'LHDIGEST');
    if (fault === 'its file is gone') rmSync(join(rootPath, 'chain', 'first.qcow2'));
    if (fault === 'it was cut') write('first.qcow2', 'L');
    const repository = await openDirectoryRepository({ id: 'nas', rootPath, readOnly: true });
    if (fault === 'it cannot be read') unreadable(repository, 'chain/first.qcow2');
    const found = await lookedFor(repository, new Map([[0, sha256(UNIT)]]), 'first', 'second');
    expect([...found.keys()]).toEqual([0]);
    expect(found.get(0)?.equals(UNIT)).toBe(true);
  },
);

/** A file of many units, of which some have these bytes, with a table that names them where `claims` says. */
function writeLarge(
  name: string,
  units: number,
  contents: ReadonlyMap<number, Buffer>,
  claims: ReadonlyMap<number, Buffer>,
): void {
  const header = Buffer.alloc(64);
  header.write('LHDIGEST', 'latin1');
  [1, 1, 65_536, 32].forEach((value, i) => header.writeUInt32LE(value, 8 + i * 4));
  header.writeBigUInt64LE(BigInt(units * 65_536), 24);
  header.writeBigUInt64LE(BigInt(units), 32);
  const entries = Buffer.alloc(units * 32);
  for (const [unit, digest] of claims) digest.copy(entries, unit * 32);
  write(`${name}.digests`, Buffer.concat([header, entries]));
  write(`${name}.qcow2`, '');
  const file = openSync(join(rootPath, 'chain', `${name}.qcow2`), 'r+');
  for (const [unit, bytes] of contents) writeSync(file, bytes, 0, bytes.length, unit * 65_536);
  ftruncateSync(file, units * 65_536);
  closeSync(file);
}

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();

/** What other files of the chain have of these units, by their digests. */
async function lookedFor(
  repository: SourceRepository,
  wanted: ReadonlyMap<number, Buffer>,
  ...names: string[]
): Promise<Map<number, Buffer>> {
  const context = {
    ...{ control: new TaskControl(), facts: FORGETFUL },
    repository: () => Promise.reject(new Error('nothing is written')),
    source: () => Promise.resolve(repository),
  };
  const points = ['bad', ...names].map((name) => ({ disks: [diskOf(name)] }));
  const source = {
    ...{ targetRepositoryId: 'nas', chain: 'chain', diskFile: diskOf('bad') },
    record: { points } as unknown as ChainRecord,
  };
  const found = new Map<number, Buffer>();
  for await (const { unit, bytes } of inOtherFiles(context, source, wanted)) found.set(unit, bytes);
  return found;
}

async function found(...names: string[]): Promise<Buffer | null> {
  const repository = await openDirectoryRepository({ id: 'nas', rootPath, readOnly: true });
  return (await lookedFor(repository, new Map([[0, sha256(UNIT)]]), ...names)).get(0) ?? null;
}

/** A table of 32,768 entries is read at once: 2 GiB of a file. */
it.each([0, 1, 32_767, 32_768, 32_770])(
  'finds the bytes in unit %d of another file',
  async (unit) => {
    writeLarge('large', 32_771, new Map([[unit, UNIT]]), new Map([[unit, sha256(UNIT)]]));
    expect((await found('large'))?.equals(UNIT)).toBe(true);
  },
);

it('goes on behind a unit that has gone bad itself, and takes no bytes for others', async () => {
  const claims = new Map([1, 3].map((unit) => [unit, sha256(UNIT)]));
  writeLarge('large', 5, new Map([[3, UNIT]]), claims);
  expect((await found('large'))?.equals(UNIT)).toBe(true);
  writeLarge('large', 5, new Map([[2, UNIT]]), claims);
  expect(await found('large')).toBeNull();
  // What stands across two entries is no digest.
  const halves = Buffer.concat([Buffer.alloc(16, 7), sha256(UNIT), Buffer.alloc(16, 7)]);
  const across = new Map([
    [1, halves.subarray(0, 32)],
    [2, halves.subarray(32)],
  ]);
  writeLarge('large', 5, new Map([[1, UNIT]]), across);
  expect(await found('large')).toBeNull();
});

it('reads the table of each file once, however many units it looks for, and none when all were found', async () => {
  const contents = ['a', 'b', 'c', 'd'].map((letter) => Buffer.alloc(65_536, letter));
  const [a, b, c, d] = contents as [Buffer, Buffer, Buffer, Buffer];
  const holding = (name: string, ...held: Buffer[]) =>
    writeLarge(
      name,
      10,
      new Map(held.map((bytes, unit) => [unit, bytes])),
      new Map(held.map((bytes, unit) => [unit, sha256(bytes)])),
    );
  holding('first', b, a);
  holding('second', a, c);
  holding('third', a, b, c);
  const repository = await openDirectoryRepository({ id: 'nas', rootPath, readOnly: true });
  const calls = new CallCounter(repository, /\.digests$/);
  // Two units of the same bytes, and one that nobody has.
  const wanted = new Map([a, b, c, a].map((bytes, index) => [10 + index, sha256(bytes)]));
  const all = await lookedFor(repository, wanted, 'first', 'second', 'third');
  expect(all).toEqual(new Map([a, b, c, a].map((bytes, index) => [10 + index, bytes])));
  expect(calls.opened).toEqual(['chain/first.digests', 'chain/second.digests']);
  calls.reset();
  wanted.set(20, sha256(d));
  expect(
    [...(await lookedFor(repository, wanted, 'first', 'second', 'third')).keys()].sort(),
  ).toEqual([10, 11, 12, 13]);
  expect(calls.opened).toHaveLength(3);
  // Header and entries.
  expect(calls.reads).toBe(6);
});

it('goes on in a file of which one unit cannot be read', async () => {
  const other = Buffer.alloc(65_536, 'x');
  const claims = new Map([
    [0, sha256(UNIT)],
    [1, sha256(other)],
  ]);
  writeLarge('large', 2, new Map([[1, other]]), claims);
  const repository = await openDirectoryRepository({ id: 'nas', rootPath, readOnly: true });
  const openRead = repository.openRead.bind(repository);
  repository.openRead = async (path) => {
    const file = await openRead(path);
    const read = file.read.bind(file);
    return Object.assign(file, {
      read: (target: Uint8Array, offset: number) =>
        path.endsWith('.qcow2') && offset === 0
          ? Promise.reject(new BackupError('REPOSITORY_IO_ERROR', 'cannot read (EIO)'))
          : read(target, offset),
    });
  };
  const wanted = new Map([
    [0, sha256(UNIT)],
    [1, sha256(other)],
  ]);
  expect([...(await lookedFor(repository, wanted, 'large')).keys()]).toEqual([1]);
});
