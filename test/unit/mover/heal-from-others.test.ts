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
import { BackupError } from '../../../src/domain/errors.js';
import type { TargetDisk } from '../../../src/domain/targets/target-point.js';
import { findGoodBlock, type HealingSource } from '../../../src/mover/health/healing-source.js';
import { FORGETFUL } from '../../../src/layout/file-facts.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';

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
function unreadable(repository: BackupRepository, path: string): void {
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
    const context = {
      control: new TaskControl(),
      facts: FORGETFUL,
      repository: () => Promise.resolve(repository),
      source: () => Promise.resolve(repository),
    };
    const points = ['bad', 'first', 'second'].map((name) => ({ disks: [diskOf(name)] }));
    const source = {
      ...{ targetRepositoryId: 'nas', chain: 'chain', diskFile: diskOf('bad') },
      record: { points },
    } as unknown as HealingSource;

    const digest = createHash('sha256').update(UNIT).digest();
    const found = await findGoodBlock(context, source, 0, null, digest);

    expect(found.bytes?.equals(UNIT)).toBe(true);
    expect(found).toMatchObject({ from: 'another file of the chain', isSourceUnknown: false });
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

async function found(...names: string[]) {
  const repository = await openDirectoryRepository({ id: 'nas', rootPath, readOnly: true });
  const context = {
    ...{ control: new TaskControl(), facts: FORGETFUL },
    repository: () => Promise.resolve(repository),
    source: () => Promise.resolve(repository),
  };
  const points = ['bad', ...names].map((name) => ({ disks: [diskOf(name)] }));
  const source = {
    ...{ targetRepositoryId: 'nas', chain: 'chain', diskFile: diskOf('bad') },
    record: { points },
  } as unknown as HealingSource;
  return findGoodBlock(context, source, 0, null, sha256(UNIT));
}

/** A table of 32,768 entries is read at once: 2 GiB of a file. */
it.each([0, 1, 32_767, 32_768, 32_770])(
  'finds the bytes in unit %d of another file',
  async (unit) => {
    writeLarge('large', 32_771, new Map([[unit, UNIT]]), new Map([[unit, sha256(UNIT)]]));
    expect((await found('large')).bytes?.equals(UNIT)).toBe(true);
  },
);

it('goes on behind a unit that has gone bad itself, and takes no bytes for others', async () => {
  const claims = new Map([1, 3].map((unit) => [unit, sha256(UNIT)]));
  writeLarge('large', 5, new Map([[3, UNIT]]), claims);
  expect((await found('large')).bytes?.equals(UNIT)).toBe(true);
  writeLarge('large', 5, new Map([[2, UNIT]]), claims);
  expect(await found('large')).toEqual({ bytes: null, from: '', isSourceUnknown: false });
  // What stands across two entries is no digest.
  const halves = Buffer.concat([Buffer.alloc(16, 7), sha256(UNIT), Buffer.alloc(16, 7)]);
  const across = new Map([
    [1, halves.subarray(0, 32)],
    [2, halves.subarray(32)],
  ]);
  writeLarge('large', 5, new Map([[1, UNIT]]), across);
  expect((await found('large')).bytes).toBeNull();
});
