import type { ByteSink, ByteSource } from '../../../src/image/byte-source.js';
import { MemoryBytes } from './byte-files.js';

/** The process died here. */
export class StoppedByTest extends Error {}

/** Passes everything on; from operation number `stopAt` on it throws instead. 1 is the first write, truncate or sync. */
export class StopsAtOperation<File extends ByteSource & ByteSink> implements ByteSource, ByteSink {
  #operations = 0;

  constructor(
    readonly file: File,
    readonly stopAt: number,
  ) {}

  get label(): string {
    return this.file.label;
  }

  get sizeBytes(): number {
    return this.file.sizeBytes;
  }

  read(target: Uint8Array, offset: number): Promise<void> {
    return this.file.read(target, offset);
  }

  async write(source: Uint8Array, offset: number): Promise<void> {
    this.#count();
    await this.file.write(source, offset);
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#count();
    await this.file.truncate(sizeBytes);
  }

  async sync(): Promise<void> {
    this.#count();
    await this.file.sync();
  }

  #count(): void {
    this.#operations += 1;
    if (this.#operations >= this.stopAt) throw new StoppedByTest();
  }
}

/** A disk with a write cache: what was written since the last sync may be lost, in any selection, when the power is cut. */
export class PowerCut extends StopsAtOperation<MemoryBytes> {
  #durable: MemoryBytes;
  #newest: { readonly bytes: Uint8Array; readonly offset: number } | null = null;

  constructor(file: MemoryBytes, stopAt: number) {
    super(file, stopAt);
    this.#durable = new MemoryBytes(file.bytes);
  }

  override async write(source: Uint8Array, offset: number): Promise<void> {
    await super.write(source, offset);
    this.#newest = { bytes: Uint8Array.from(source), offset };
  }

  override async sync(): Promise<void> {
    await super.sync();
    this.#durable = new MemoryBytes(this.file.bytes);
    this.#newest = null;
  }

  /** The next process on the same disk: it sees what was written, durable or not. */
  restarted(): PowerCut {
    const next = new PowerCut(this.file, Infinity);
    next.#durable = this.#durable;
    return next;
  }

  async afterCut(survivor: 'none' | 'newest'): Promise<MemoryBytes> {
    if (survivor === 'newest' && this.#newest !== null)
      await this.#durable.write(this.#newest.bytes, this.#newest.offset);
    return this.#durable;
  }
}
