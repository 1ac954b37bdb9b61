import { BackupError } from '../../../src/domain/errors.js';
import type { ByteSink, ByteSource } from '../../../src/image/byte-source.js';

const PAGE_BYTES = 65_536;

/** A file of any size in memory, of which pages of zeros take nothing. */
export class SparseBytes implements ByteSource, ByteSink {
  readonly label = 'sparse.img';
  sizeBytes = 0;
  private readonly pages = new Map<number, Buffer>();

  /** @param onWrite called before each write */
  constructor(private readonly onWrite: () => void = () => undefined) {}

  read(target: Uint8Array, offset: number): Promise<void> {
    if (offset + target.length > this.sizeBytes)
      return Promise.reject(new BackupError('IMAGE_TRUNCATED', `${this.label} ends before`));
    target.fill(0);
    for (const { page, from, part } of partsOf(target, offset))
      part.set(this.pages.get(page)?.subarray(from, from + part.length) ?? []);
    return Promise.resolve();
  }

  write(source: Uint8Array, offset: number): Promise<void> {
    this.onWrite();
    for (const { page, from, part } of partsOf(source, offset)) {
      const known = this.pages.get(page);
      if (known === undefined && ZEROS.subarray(0, part.length).equals(part)) continue;
      const bytes = known ?? Buffer.alloc(PAGE_BYTES);
      bytes.set(part, from);
      this.pages.set(page, bytes);
    }
    this.sizeBytes = Math.max(this.sizeBytes, offset + source.length);
    return Promise.resolve();
  }

  truncate(sizeBytes: number): Promise<void> {
    for (const page of this.pages.keys())
      if (page * PAGE_BYTES >= sizeBytes) this.pages.delete(page);
    this.pages.get(Math.floor(sizeBytes / PAGE_BYTES))?.fill(0, sizeBytes % PAGE_BYTES);
    this.sizeBytes = sizeBytes;
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }
}

const ZEROS = Buffer.alloc(PAGE_BYTES);

function* partsOf(
  bytes: Uint8Array,
  offset: number,
): Generator<{ page: number; from: number; part: Uint8Array }> {
  for (let at = 0; at < bytes.length;) {
    const from = (offset + at) % PAGE_BYTES;
    const part = bytes.subarray(at, at + PAGE_BYTES - from);
    yield { page: (offset + at - from) / PAGE_BYTES, from, part };
    at += part.length;
  }
}
