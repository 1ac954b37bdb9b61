import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
