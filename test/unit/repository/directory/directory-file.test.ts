import { describe, expect, it } from 'vitest';
import { DirectoryFile } from '../../../../src/repository/directory/directory-file.js';
import type { OpenFile } from '../../../../src/repository/file-calls.js';

/** A file in a buffer whose calls move at most three bytes, as a storage under load may. */
class StutteringFile implements OpenFile {
  readonly fd = 3;
  readonly sources = new Set<Uint8Array>();
  readonly syncAnswers: (Error | null)[] = [];
  content = Buffer.alloc(0);

  async read(target: Uint8Array, targetOffset: number, lengthBytes: number, offset: number) {
    const bytes = this.content.subarray(offset, offset + Math.min(3, lengthBytes));
    target.set(bytes, targetOffset);
    return { bytesRead: bytes.length };
  }

  async write(source: Uint8Array, sourceOffset: number, lengthBytes: number, offset: number) {
    this.sources.add(source);
    const bytes = source.subarray(sourceOffset, sourceOffset + Math.min(3, lengthBytes));
    const end = Math.max(this.content.length, offset + bytes.length);
    this.content = Buffer.concat([this.content], end);
    this.content.set(bytes, offset);
    return { bytesWritten: bytes.length };
  }

  async datasync(): Promise<void> {
    const answer = this.syncAnswers.shift();
    if (answer) throw answer;
  }

  async stat(): Promise<never> {
    throw new Error('not asked in these tests');
  }
  async truncate(): Promise<void> {}
  async sync(): Promise<void> {}
  async chmod(): Promise<void> {}
  async utimes(): Promise<void> {}
  async close(): Promise<void> {}
}

describe('DirectoryFile', () => {
  it('goes on after short writes without copying the buffer', async () => {
    const handle = new StutteringFile();
    const source = Buffer.from('0123456789');
    await new DirectoryFile('nas', 'disk', handle).write(source, 4);
    expect(handle.content.toString()).toBe('\0\0\0\x000123456789');
    expect([...handle.sources]).toEqual([source]);
    expect(handle.sources.has(source)).toBe(true);
  });

  it('goes on after short reads up to the end of the file', async () => {
    const handle = new StutteringFile();
    handle.content = Buffer.from('0123456789');
    const target = Buffer.alloc(20);
    expect(await new DirectoryFile('nas', 'disk', handle).read(target, 2)).toBe(8);
    expect(target.subarray(0, 8).toString()).toBe('23456789');
  });

  it('fails every sync after one that failed, although the system then calls it a success', async () => {
    const handle = new StutteringFile();
    handle.syncAnswers.push(Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 }));
    const file = new DirectoryFile('nas', 'disk', handle);
    await expect(file.sync()).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
    await expect(file.sync()).rejects.toMatchObject({ code: 'REPOSITORY_IO_ERROR' });
  });

  it('lets no sync succeed that was waiting when another one failed, for the system tells one of two', async () => {
    const handle = new StutteringFile();
    const ends: ((error?: Error) => void)[] = [];
    handle.datasync = () =>
      new Promise((resolve, reject) =>
        ends.push((error) => (error === undefined ? resolve() : reject(error))),
      );
    const file = new DirectoryFile('nas', 'disk', handle);
    const answers = Promise.allSettled([file.sync(), file.sync()]);
    await new Promise(setImmediate);
    // Of two that the system has at once the second may end first, and as if nothing were wrong.
    ends[1]?.();
    await new Promise(setImmediate);
    ends[0]!(Object.assign(new Error('EIO'), { code: 'EIO', errno: -5 }));
    const failed = { status: 'rejected', reason: { code: 'REPOSITORY_IO_ERROR' } };
    expect(await answers).toMatchObject([failed, failed]);
  });
});
