import type { Bucket, StoredObject } from './simulated-bucket.js';

/** Path of the file of work that an object belongs to; null: to none. */
export function workPathOf(key: string): string | null {
  return /^(.*)\.work\/[^/]+(?:\/[^/]+)?$/.exec(key)?.[1] ?? null;
}

interface Extent {
  readonly offset: number;
  readonly bytes: Buffer;
}

/** A file of work as objects: `<path>.work/token` says whose it is, `<path>.work/<token>/<offset>-<length>` holds what was flushed there, and
 *  `…/size` is there where the file goes on behind them. */
export class Extents {
  private readonly prefix: string;
  private dirty: Extent[] = [];
  /** Keys of objects that are cut off. */
  private cut: string[] = [];
  private size: number;

  constructor(
    private readonly bucket: Bucket,
    private readonly path: string,
    readonly token: string,
  ) {
    this.prefix = `${path}.work/${Buffer.from(token).toString('hex').slice(0, 64)}/`;
    this.size = this.flushedSize();
  }

  /** What is begun at this path; null: nothing. */
  static of(bucket: Bucket, path: string): Extents | null {
    const token = bucket.get(`${path}.work/token`)?.bytes.toString();
    return token === undefined ? null : new Extents(bucket, path, token);
  }

  get sizeBytes(): number {
    return this.size;
  }

  write(bytes: Buffer, offset: number): void {
    if (bytes.length > 0) this.dirty.push({ offset, bytes });
    this.size = Math.max(this.size, offset + bytes.length);
  }

  truncate(sizeBytes: number): void {
    const isCut = ({ offset, bytes }: Extent) => offset + bytes.length > sizeBytes;
    const flushed = this.flushed();
    this.cut.push(...flushed.filter(isCut).map(({ key }) => key));
    this.dirty = [...flushed.filter(isCut), ...this.dirty]
      .filter(({ offset }) => offset < sizeBytes)
      .map(({ offset, bytes }) => ({ offset, bytes: bytes.subarray(0, sizeBytes - offset) }));
    this.size = sizeBytes;
  }

  read(target: Uint8Array, offset: number): number {
    const length = Math.max(0, Math.min(target.length, this.size - offset));
    target.subarray(0, length).fill(0);
    for (const extent of this.extents()) {
      const from = Math.max(extent.offset, offset);
      const to = Math.min(extent.offset + extent.bytes.length, offset + length);
      if (from < to)
        target.set(extent.bytes.subarray(from - extent.offset, to - extent.offset), from - offset);
    }
    return length;
  }

  content(): StoredObject {
    const bytes = Buffer.alloc(this.size);
    this.read(bytes, 0);
    const stamp = this.bucket.get(`${this.path}.work/token`)!.stamp;
    return { bytes, stamp: { ...stamp, sizeBytes: this.size } };
  }

  /** What has to be asked of the store to flush, one after the other. `bytes: null`: the object goes. */
  *requests(): Generator<{ readonly key: string; readonly bytes: Buffer | null }> {
    const token = Buffer.from(this.token);
    const pointer = `${this.path}.work/token`;
    if (this.bucket.get(pointer)?.bytes.equals(token) !== true)
      yield { key: pointer, bytes: token };
    // What is cut off goes last: until then the rest of it is there.
    const put = joined(this.dirty).map(({ offset, bytes }) => ({
      key: `${this.prefix}${offset}-${bytes.length}`,
      bytes,
    }));
    yield* put;
    const isPut = (key: string) => put.some((extent) => extent.key === key);
    for (const key of this.cut) if (!isPut(key)) yield { key, bytes: null };
    this.dirty = [];
    this.cut = [];
    if (this.size > this.flushedSize())
      yield { key: `${this.prefix}size`, bytes: Buffer.from(String(this.size)) };
  }

  private keys(): string[] {
    return this.bucket.keys(this.prefix);
  }

  /** Later ones hide earlier ones. */
  private extents(): Extent[] {
    return [...this.flushed(), ...this.dirty];
  }

  private flushed(): (Extent & { readonly key: string })[] {
    return this.keys()
      .filter((key) => !this.cut.includes(key) && !key.endsWith('/size'))
      .map((key) => ({ key, object: this.bucket.get(key)! }))
      .sort((a, b) => Number(a.object.stamp.inode) - Number(b.object.stamp.inode))
      .map(({ key, object }) => ({ key, offset: offsetOf(key), bytes: object.bytes }));
  }

  private flushedSize(): number {
    let size = Number(this.bucket.get(`${this.prefix}size`)?.bytes.toString() ?? 0);
    for (const key of this.keys())
      if (!key.endsWith('/size'))
        size = Math.max(size, offsetOf(key) + this.bucket.get(key)!.bytes.length);
    return size;
  }
}

function offsetOf(key: string): number {
  return Number(/(\d+)-\d+$/.exec(key)?.[1]);
}

/** Side by side they are one object. */
function joined(extents: readonly Extent[]): Extent[] {
  const runs: { offset: number; parts: Buffer[]; end: number }[] = [];
  for (const { offset, bytes } of extents) {
    const last = runs.at(-1);
    if (last?.end === offset) {
      last.parts.push(bytes);
      last.end += bytes.length;
    } else runs.push({ offset, parts: [bytes], end: offset + bytes.length });
  }
  return runs.map(({ offset, parts }) => ({ offset, bytes: Buffer.concat(parts) }));
}
