import type { FileStamp } from '../../../src/domain/file-stamp.js';

export interface StoredObject {
  readonly bytes: Buffer;
  /** Another one for each put, whatever its bytes. */
  readonly stamp: FileStamp;
}

/** Objects by key. */
export class Bucket {
  private readonly objects = new Map<string, StoredObject>();
  private version = 0;

  copy(): Bucket {
    const copy = new Bucket();
    for (const [key, object] of this.objects) copy.objects.set(key, object);
    copy.version = this.version;
    return copy;
  }

  get(key: string): StoredObject | undefined {
    return this.objects.get(key);
  }

  put(key: string, bytes: Uint8Array): void {
    this.version += 1;
    const modifiedAtNs = String(1_700_000_000_000_000_000n + BigInt(this.version) * 1_000_000n);
    const inode = String(this.version);
    const stamp = { sizeBytes: bytes.length, modifiedAtNs, changedAtNs: modifiedAtNs, inode };
    this.objects.set(key, { bytes: Buffer.from(bytes), stamp });
  }

  delete(key: string): void {
    this.objects.delete(key);
  }

  /** Those that begin like this, as they are now. */
  keys(prefix: string): string[] {
    return [...this.objects.keys()].filter((key) => key.startsWith(prefix)).sort();
  }
}
