import type { FrameIndex } from './frame-index.js';

/** Indexes of the streams that a thread has walked through last: a task opens each of its streams again for every few hundred MiB that it copies. What was
 *  not asked for the longest goes first. */
export class KeptIndexes {
  static readonly ofThread = new KeptIndexes(64 * 1024 * 1024);

  private readonly kept = new Map<string, FrameIndex>();
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** @param sameness of the stream's bytes (`ByteSource.sameness`) */
  get(sameness: string): FrameIndex | null {
    const index = this.kept.get(sameness);
    if (index === undefined) return null;
    this.kept.delete(sameness);
    this.kept.set(sameness, index);
    return index;
  }

  keep(sameness: string, index: FrameIndex): void {
    this.forget(sameness);
    this.kept.set(sameness, index);
    this.bytes += index.memoryBytes;
    for (const oldest of this.kept.keys()) {
      if (this.bytes <= this.maxBytes) break;
      this.forget(oldest);
    }
  }

  private forget(sameness: string): void {
    this.bytes -= this.kept.get(sameness)?.memoryBytes ?? 0;
    this.kept.delete(sameness);
  }
}
