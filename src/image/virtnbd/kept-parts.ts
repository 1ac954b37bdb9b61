/** What was unpacked last. Blocks are read one after the other, and a piece unpacks to 32 MiB: without this each would be unpacked hundreds of
 *  times. One for all streams of a thread, so that a chain of many takes no more memory than one. */
export class KeptParts {
  static readonly ofThread = new KeptParts(64 * 1024 * 1024);

  private parts: { owner: object; offset: number; bytes: number; content: Promise<Buffer> }[] = [];

  constructor(private readonly maxBytes: number) {}

  /** @param owner with `offset` it names the piece
   *  @param unpack asked when it is not kept */
  get(
    owner: object,
    offset: number,
    bytes: number,
    unpack: () => Promise<Buffer>,
  ): Promise<Buffer> {
    const known = this.parts.find((part) => part.owner === owner && part.offset === offset);
    const part = known ?? { owner, offset, bytes, content: unpack() };
    const others = this.parts.filter((other) => other !== part);
    const kept = [part];
    let total = bytes;
    for (const other of others) {
      total += other.bytes;
      if (total > this.maxBytes) break;
      kept.push(other);
    }
    this.parts = kept;
    if (known === undefined)
      part.content.catch(() => {
        this.parts = this.parts.filter((other) => other !== part);
      });
    return part.content;
  }
}
