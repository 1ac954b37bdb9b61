/** Indexes of the files that a thread has walked through last: a task opens each of its files again for every few hundred MiB that it copies. What was
 *  not asked for the longest goes first. */
export class KeptIndexes<Index extends { readonly memoryBytes: number }> {
  private readonly kept = new Map<string, Index>();
  private bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** @param sameness of the file's bytes (`ByteSource.sameness`), with whatever else the index is of */
  get(sameness: string): Index | null {
    const index = this.kept.get(sameness);
    if (index === undefined) return null;
    this.kept.delete(sameness);
    this.kept.set(sameness, index);
    return index;
  }

  keep(sameness: string, index: Index): void {
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
