import { giveRunBuffer, RUN_BYTES, takeRunBuffer } from '../../image/run-buffer.js';
import type { WritableFile } from '../../repository/backup-repository.js';

/** Puts small pieces one behind the other into a file, 1 MiB in one write. */
export class AppendedBytes {
  private readonly buffer = takeRunBuffer();
  private used = 0;

  /** @param offset where the first one goes */
  constructor(
    private readonly file: WritableFile,
    private offset: number,
  ) {}

  async append(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      if (this.used === RUN_BYTES) await this.flush();
      const count = bytes.copy(this.buffer, this.used, at);
      this.used += count;
      at += count;
    }
  }

  /** Writes what is left. @returns end of what was written */
  async flush(): Promise<number> {
    await this.file.write(this.buffer.subarray(0, this.used), this.offset);
    this.offset += this.used;
    this.used = 0;
    return this.offset;
  }

  /** Writes nothing. */
  close(): void {
    giveRunBuffer(this.buffer);
  }
}
