import { open, readFile, type FileHandle } from 'node:fs/promises';
import { BackupError } from '../../../src/domain/errors.js';
import type { ByteSink, ByteSource } from '../../../src/image/byte-source.js';

/** Bytes in memory, as source and sink. */
export class MemoryBytes implements ByteSource, ByteSink {
  readonly label: string;
  #bytes: Buffer;

  constructor(bytes: Uint8Array = Buffer.alloc(0), label = 'memory.img') {
    this.label = label;
    this.#bytes = Buffer.from(bytes);
  }

  static async load(path: string): Promise<MemoryBytes> {
    return new MemoryBytes(await readFile(path), path);
  }

  get sizeBytes(): number {
    return this.#bytes.length;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  read(target: Uint8Array, offset: number): Promise<void> {
    if (offset + target.length > this.#bytes.length)
      return Promise.reject(pastTheEnd(this.label, offset, target.length));
    target.set(this.#bytes.subarray(offset, offset + target.length));
    return Promise.resolve();
  }

  write(source: Uint8Array, offset: number): Promise<void> {
    this.#resize(Math.max(this.#bytes.length, offset + source.length));
    this.#bytes.set(source, offset);
    return Promise.resolve();
  }

  truncate(sizeBytes: number): Promise<void> {
    this.#resize(sizeBytes);
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  #resize(sizeBytes: number): void {
    if (sizeBytes === this.#bytes.length) return;
    const resized = Buffer.alloc(sizeBytes);
    this.#bytes.copy(resized);
    this.#bytes = resized;
  }
}

/** An open file, as source and sink. */
export class FileBytes implements ByteSource, ByteSink {
  readonly label: string;
  sizeBytes: number;
  readonly #handle: FileHandle;

  private constructor(label: string, handle: FileHandle, sizeBytes: number) {
    this.label = label;
    this.#handle = handle;
    this.sizeBytes = sizeBytes;
  }

  /** Opens, hands the file to `use` and closes it, whatever happens. `flags` as of fs.open. */
  static async with<T>(
    path: string,
    flags: string,
    use: (file: FileBytes) => Promise<T>,
  ): Promise<T> {
    const handle = await open(path, flags);
    try {
      return await use(new FileBytes(path, handle, (await handle.stat()).size));
    } finally {
      await handle.close();
    }
  }

  async read(target: Uint8Array, offset: number): Promise<void> {
    const { bytesRead } = await this.#handle.read(target, 0, target.length, offset);
    if (bytesRead < target.length) throw pastTheEnd(this.label, offset, target.length);
  }

  async write(source: Uint8Array, offset: number): Promise<void> {
    await this.#handle.write(source, 0, source.length, offset);
    this.sizeBytes = Math.max(this.sizeBytes, offset + source.length);
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#handle.truncate(sizeBytes);
    this.sizeBytes = sizeBytes;
  }

  async sync(): Promise<void> {
    await this.#handle.datasync();
  }
}

function pastTheEnd(label: string, offset: number, bytes: number): BackupError {
  return new BackupError('IMAGE_TRUNCATED', `${label}: no ${bytes} bytes at ${offset}`);
}
