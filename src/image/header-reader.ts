import type { ByteSource } from './byte-source.js';
import { checkInside } from './image-fault.js';

/** Bytes of one place behind the other, mostly far apart: headers. Where they lie side by side (frames without payload) they are read together. */
export class HeaderReader {
  private buffer = Buffer.alloc(0);
  private start = 0;

  constructor(private readonly source: ByteSource) {}

  /** @param isNear whether more is likely to be asked for right behind
   *  @throws IMAGE_TRUNCATED */
  async read(offset: number, bytes: number, isNear: boolean): Promise<Buffer> {
    if (offset < this.start || offset + bytes > this.start + this.buffer.length) {
      checkInside(this.source, 'a frame', offset, bytes);
      const wanted = Math.min(isNear ? NEAR_BYTES : bytes, this.source.sizeBytes - offset);
      this.buffer = Buffer.alloc(wanted);
      this.start = offset;
      await this.source.read(this.buffer, offset);
    }
    return this.buffer.subarray(offset - this.start, offset - this.start + bytes);
  }
}

const NEAR_BYTES = 16 * 1024;
