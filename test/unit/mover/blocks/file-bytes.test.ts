import { createHash } from 'node:crypto';
import { beforeEach, describe, expect, it } from 'vitest';
import { AppendedBytes } from '../../../../src/mover/blocks/appended-bytes.js';
import { copyWhole, fileBytes } from '../../../../src/mover/blocks/file-bytes.js';
import { contentDigest, hashFile } from '../../../../src/mover/blocks/file-digest.js';
import { UnitSet } from '../../../../src/mover/blocks/unit-set.js';
import { TaskControl, TaskStopped } from '../../../../src/mover/task/task-control.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';

const MIB = 1024 * 1024;
const SIZES = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 77];
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

let repository: SimulatedRepository;
beforeEach(() => {
  repository = new SimulatedRepository('offsite');
});

/** Every 4 bytes tell where they lie. */
function fileOf(bytes: number): Buffer {
  const file = Buffer.alloc(bytes);
  for (let at = 0; at + 4 <= bytes; at += 4) file.writeUInt32LE(at + 1, at);
  return file;
}

async function stored(path: string): Promise<Buffer> {
  const file = await repository.openRead(path);
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  return bytes;
}

describe.each(SIZES)('a file of %d bytes', (size) => {
  const bytes = fileOf(size);
  beforeEach(() => repository.put('file', bytes));
  const open = () => repository.openRead('file');

  it('has the SHA-256 of all its bytes, or of as many as are asked for', async () => {
    expect(await hashFile(await open(), new TaskControl())).toBe(sha256(bytes));
    for (const some of [0, 1, MIB, MIB + 1, size])
      expect(await contentDigest(new TaskControl(), repository, 'file', some)).toBe(
        sha256(bytes.subarray(0, some)),
      );
  });

  it('is copied whole, and told part by part', async () => {
    const to = await repository.openWrite('copy', 'new');
    const parts: Buffer[] = [];
    const count = await copyWhole(await open(), to, (part) => parts.push(Buffer.from(part)));
    expect(count).toBe(size);
    expect((await stored('copy')).equals(bytes)).toBe(true);
    expect(Buffer.concat(parts).equals(bytes)).toBe(true);
    expect(await copyWhole(await open(), to)).toBe(size);
  });

  it('is made of pieces put one behind the other, behind what stands there', async () => {
    const file = await repository.openWrite('pieces', 'new');
    await file.write(Buffer.from('head'), 0);
    const appended = new AppendedBytes(file, 4);
    for (let at = 0; at < size; at += 300_001)
      await appended.append(bytes.subarray(at, at + 300_001));
    expect(await appended.flush()).toBe(4 + size);
    appended.close();
    expect((await stored('pieces')).equals(Buffer.concat([Buffer.from('head'), bytes]))).toBe(true);
  });
});

it('a large file is digested no further by a task that was stopped', async () => {
  await repository.put('file', fileOf(10));
  const control = new TaskControl();
  control.stop();
  await expect(contentDigest(control, repository, 'file')).rejects.toThrow(TaskStopped);
});

describe('a file that an image is written into', () => {
  it('has the size that the writes gave it, and what follows a sync follows it', async () => {
    const done: string[] = [];
    const file = await repository.openWrite('file', 'new');
    await file.write(Buffer.alloc(10, 1), 0);
    const sync = file.sync.bind(file);
    file.sync = async () => (await sync(), void done.push('synced'));
    const bytes = await fileBytes(file, () => Promise.resolve(void done.push('looked')));
    expect([bytes.label, bytes.sizeBytes]).toEqual(['file', 10]);
    await bytes.write(Buffer.alloc(4, 2), 2);
    expect(bytes.sizeBytes).toBe(10);
    await bytes.write(Buffer.alloc(4, 3), 8);
    expect(bytes.sizeBytes).toBe(12);
    await bytes.truncate(11);
    expect(bytes.sizeBytes).toBe(11);
    const read = Buffer.alloc(11);
    await bytes.read(read, 0);
    expect([...read]).toEqual([1, 1, 2, 2, 2, 2, 1, 1, 3, 3, 3]);
    await expect(bytes.read(read, 1)).rejects.toMatchObject({ code: 'IMAGE_TRUNCATED' });
    await bytes.sync();
    expect(done).toEqual(['synced', 'looked']);
  });

  it('is written no further when what follows a sync refuses it', async () => {
    const file = await repository.openWrite('file', 'new');
    const bytes = await fileBytes(file, () => Promise.reject(new Error('not ours any more')));
    await expect(bytes.sync()).rejects.toThrow('not ours');
    await (await fileBytes(file)).sync();
  });
});

it('a set of units has those that were added to it and no others', () => {
  const units = new UnitSet(20);
  const added = [0, 7, 8, 13, 19];
  for (const unit of added) units.add(unit);
  expect(Array.from({ length: 20 }, (_, unit) => unit).filter((unit) => units.has(unit))).toEqual(
    added,
  );
});
