const PAGE_BYTES = 4096;

/** Content of a virtual file: pages that were written, zeros elsewhere. A copy costs nothing until one of the two is written. */
export class PagedContent {
  sizeBytes = 0;
  #pages = new Map<number, Uint8Array>();
  /** Pages that no copy refers to. */
  #owned = new Set<number>();
  #isMapShared = false;

  copy(): PagedContent {
    const copy = new PagedContent();
    copy.sizeBytes = this.sizeBytes;
    copy.#pages = this.#pages;
    copy.#isMapShared = true;
    this.#isMapShared = true;
    return copy;
  }

  /** Bytes read, less than asked only at the end. */
  read(target: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(target.length, this.sizeBytes - offset));
    for (const piece of pieces(offset, length)) {
      const part = target.subarray(piece.start, piece.start + piece.length);
      const page = this.#pages.get(piece.page);
      if (page === undefined) part.fill(0);
      else part.set(page.subarray(piece.inPage, piece.inPage + piece.length));
    }
    return length;
  }

  write(source: Uint8Array, offset: number): void {
    for (const piece of pieces(offset, source.length)) {
      this.#ownPage(piece.page).set(
        source.subarray(piece.start, piece.start + piece.length),
        piece.inPage,
      );
    }
    if (source.length > 0) this.sizeBytes = Math.max(this.sizeBytes, offset + source.length);
  }

  truncate(sizeBytes: number): void {
    if (sizeBytes < this.sizeBytes) {
      this.#ownMap();
      const firstGone = Math.ceil(sizeBytes / PAGE_BYTES);
      for (const page of [...this.#pages.keys()]) if (page >= firstGone) this.#pages.delete(page);
      const inPage = sizeBytes % PAGE_BYTES;
      const last = Math.floor(sizeBytes / PAGE_BYTES);
      if (inPage > 0 && this.#pages.has(last)) this.#ownPage(last).fill(0, inPage);
    }
    this.sizeBytes = sizeBytes;
  }

  /** Pages that were written, in order; the last one is cut at the end of the file. */
  *written(): Generator<{ readonly offset: number; readonly bytes: Uint8Array }> {
    for (const page of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const offset = page * PAGE_BYTES;
      const bytes = this.#pages.get(page);
      if (bytes !== undefined) yield { offset, bytes: bytes.subarray(0, this.sizeBytes - offset) };
    }
  }

  get allocatedBytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  #ownMap(): void {
    if (!this.#isMapShared) return;
    this.#pages = new Map(this.#pages);
    this.#owned = new Set();
    this.#isMapShared = false;
  }

  #ownPage(index: number): Uint8Array {
    this.#ownMap();
    const existing = this.#pages.get(index);
    if (existing !== undefined && this.#owned.has(index)) return existing;
    const page = existing?.slice() ?? new Uint8Array(PAGE_BYTES);
    this.#pages.set(index, page);
    this.#owned.add(index);
    return page;
  }
}

function* pieces(offset: number, length: number) {
  for (let start = 0; start < length;) {
    const inPage = (offset + start) % PAGE_BYTES;
    const pieceLength = Math.min(PAGE_BYTES - inPage, length - start);
    yield { start, length: pieceLength, inPage, page: Math.floor((offset + start) / PAGE_BYTES) };
    start += pieceLength;
  }
}
