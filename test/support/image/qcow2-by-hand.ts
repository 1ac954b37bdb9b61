import { deflateRawSync } from 'node:zlib';

/** A qcow2 file made by hand from QEMU's docs/interop/qcow2.txt, and what a guest sees of it: nothing here is shared with what Longhaul reads or writes. */

const BLOCK = 65_536;
const SUBCLUSTERS = 32;

/** What a cluster is. `parts`: one letter for each of 32 subclusters: `d` for data, `z` for zeros, `-` for what lies below. */
export type ClusterKind =
  | { readonly is: 'data' }
  /** Nothing, but marked as referred to once: only a file with its data elsewhere means anything by that. */
  | { readonly is: 'nothing' }
  | { readonly is: 'zeros'; readonly hasPlace: boolean }
  | { readonly is: 'compressed'; readonly startsAt: number }
  | { readonly is: 'parts'; readonly parts: string; readonly hasPlace: boolean };

export interface HandMade {
  readonly clusterBits: number;
  readonly isExtended: boolean;
  readonly virtualSizeBytes: number;
  /** By number in the disk; others are not there. Some may lie behind the end of the disk. */
  readonly clusters: ReadonlyMap<number, ClusterKind>;
  /** In which order they lie in the file. */
  readonly order: readonly number[];
}

export type UnitState = 'below' | 'zeros' | 'data' | 'compressed';

export class Qcow2ByHand {
  readonly bytes: Buffer;
  readonly #places = new Map<number, number>();
  readonly #clusterBytes: number;
  readonly #perTable: number;

  constructor(private readonly made: HandMade) {
    this.#clusterBytes = 2 ** made.clusterBits;
    this.#perTable = this.#clusterBytes / (made.isExtended ? 16 : 8);
    this.bytes = this.#build();
  }

  get tableSpanBytes(): number {
    return this.#perTable * this.#clusterBytes;
  }

  /** Numbers of the L2 tables that the file has. */
  get tables(): readonly number[] {
    const numbers = [...this.made.clusters.keys()].map((cluster) =>
      Math.floor(cluster / this.#perTable),
    );
    return [...new Set(numbers)].sort((a, b) => a - b);
  }

  /** Bytes that have one state together. */
  get unitBytes(): number {
    return this.made.isExtended ? this.#clusterBytes / SUBCLUSTERS : this.#clusterBytes;
  }

  /** What a guest sees at `offset`, over what `below` shows there; zeros behind the disk. */
  guest(offset: number, length: number, below: (at: number) => number): Buffer {
    const bytes = Buffer.alloc(length);
    for (let i = 0; i < length;) {
      const at = offset + i;
      if (at >= this.made.virtualSizeBytes) break;
      const end = Math.min(
        length,
        i + this.unitBytes - (at % this.unitBytes),
        this.made.virtualSizeBytes - offset,
      );
      const { state } = this.unitAt(at);
      if (state === 'below') for (let k = i; k < end; k++) bytes[k] = below(offset + k);
      if (state === 'data' || state === 'compressed') {
        const cluster = Math.floor(at / this.#clusterBytes);
        const content = contentOf(cluster, this.#clusterBytes);
        content.copy(bytes, i, at % this.#clusterBytes, (at % this.#clusterBytes) + end - i);
      }
      i = end;
    }
    return bytes;
  }

  /** `host`: where its bytes lie as they are. */
  unitAt(at: number): { state: UnitState; host: number | null } {
    const cluster = Math.floor(at / this.#clusterBytes);
    const inCluster = at % this.#clusterBytes;
    const kind = this.made.clusters.get(cluster);
    if (kind === undefined || kind.is === 'nothing') return { state: 'below', host: null };
    if (kind.is === 'zeros') return { state: 'zeros', host: null };
    if (kind.is === 'compressed') return { state: 'compressed', host: null };
    const host = this.#places.get(cluster)! + inCluster;
    if (kind.is === 'data') return { state: 'data', host };
    const part = kind.parts[Math.floor(inCluster / this.unitBytes)];
    if (part === 'd') return { state: 'data', host };
    return { state: part === 'z' ? 'zeros' : 'below', host: null };
  }

  /** How a block of 64 KiB can be got: as it lies in one piece in the file, as zeros, from below, or by a reader alone. */
  blockState(block: number): { state: UnitState | 'mixed'; host: number } {
    const start = block * BLOCK;
    const end = Math.min(start + BLOCK, this.made.virtualSizeBytes);
    if (end <= start) return { state: 'below', host: 0 };
    const first = this.unitAt(start);
    for (let at = start; at < end; at += Math.min(this.unitBytes, BLOCK)) {
      const { state, host } = this.unitAt(at);
      const isNext = host === null || host === first.host! + at - start;
      if (state !== first.state || !isNext) return { state: 'mixed', host: 0 };
    }
    return { state: first.state, host: first.host ?? 0 };
  }

  #build(): Buffer {
    const { virtualSizeBytes, clusters, order, isExtended, clusterBits } = this.made;
    const size = this.#clusterBytes;
    const tableCount = Math.max(
      Math.ceil(virtualSizeBytes / this.tableSpanBytes),
      (this.tables.at(-1) ?? 0) + 1,
    );
    const l1Bytes = Math.ceil((tableCount * 8) / size) * size;
    const l1At = 3 * size;
    const l2At = new Map(this.tables.map((table, i) => [table, l1At + l1Bytes + i * size]));
    let end = l1At + l1Bytes + this.tables.length * size;
    const parts: { at: number; bytes: Buffer }[] = [];
    const compressed = new Map<number, number>();
    for (const cluster of order) {
      const kind = clusters.get(cluster)!;
      if (kind.is === 'compressed') {
        const bytes = deflateRawSync(contentOf(cluster, size));
        const at = end + kind.startsAt;
        parts.push({ at, bytes });
        this.#places.set(cluster, at);
        // Sectors behind the first one.
        compressed.set(cluster, Math.floor((at + bytes.length - 1) / 512) - Math.floor(at / 512));
        end = Math.ceil((at + bytes.length) / size) * size;
      } else if (kind.is !== 'nothing' && (kind.is === 'data' || kind.hasPlace)) {
        parts.push({ at: end, bytes: contentOf(cluster, size) });
        this.#places.set(cluster, end);
        end += size;
      }
    }
    // What is compressed may end the file as it ends itself, within a sector.
    const last = parts.at(-1);
    const isCut = order.length > 0 && clusters.get(order.at(-1)!)!.is === 'compressed';
    const file = Buffer.alloc(isCut ? last!.at + last!.bytes.length : end);
    for (const { at, bytes } of parts) bytes.copy(file, at);
    this.#writeHeader(file, l1At, tableCount);
    for (const [table, at] of l2At)
      file.writeBigUInt64BE((1n << 63n) | BigInt(at), l1At + table * 8);
    for (const [cluster, kind] of clusters) {
      const table = Math.floor(cluster / this.#perTable);
      const at = l2At.get(table)! + (cluster % this.#perTable) * (isExtended ? 16 : 8);
      const place = BigInt(this.#places.get(cluster) ?? 0);
      file.writeBigUInt64BE(
        entryOf(kind, place, compressed.get(cluster) ?? 0, clusterBits, isExtended),
        at,
      );
      if (isExtended) file.writeBigUInt64BE(bitmapOf(kind), at + 8);
    }
    return file;
  }

  #writeHeader(file: Buffer, l1At: number, l1Entries: number): void {
    const { clusterBits, virtualSizeBytes, isExtended } = this.made;
    file.writeUInt32BE(0x514649fb, 0);
    file.writeUInt32BE(3, 4);
    file.writeUInt32BE(clusterBits, 20);
    file.writeBigUInt64BE(BigInt(virtualSizeBytes), 24);
    file.writeUInt32BE(l1Entries, 36);
    file.writeBigUInt64BE(BigInt(l1At), 40);
    file.writeBigUInt64BE(BigInt(this.#clusterBytes), 48);
    file.writeUInt32BE(1, 56);
    file.writeBigUInt64BE(isExtended ? 16n : 0n, 72);
    file.writeUInt32BE(4, 96);
    file.writeUInt32BE(104, 100);
  }
}

function entryOf(
  kind: ClusterKind,
  place: bigint,
  moreSectors: number,
  clusterBits: number,
  isExtended: boolean,
): bigint {
  if (kind.is === 'compressed')
    return (1n << 62n) | (BigInt(moreSectors) << BigInt(62 - (clusterBits - 8))) | place;
  const copied = place === 0n && kind.is !== 'nothing' ? 0n : 1n << 63n;
  return copied | place | (kind.is === 'zeros' && !isExtended ? 1n : 0n);
}

/** Bit x: subcluster x is allocated; bit 32 + x: it reads as zeros. */
function bitmapOf(kind: ClusterKind): bigint {
  if (kind.is === 'compressed' || kind.is === 'nothing') return 0n;
  const parts =
    kind.is === 'parts' ? kind.parts : (kind.is === 'data' ? 'd' : 'z').repeat(SUBCLUSTERS);
  let bits = 0n;
  for (let x = 0; x < SUBCLUSTERS; x++) {
    if (parts[x] === 'd') bits |= 1n << BigInt(x);
    if (parts[x] === 'z') bits |= 1n << BigInt(SUBCLUSTERS + x);
  }
  return bits;
}

/** Of each cluster other bytes, of which deflate makes little. */
function contentOf(cluster: number, bytes: number): Buffer {
  const content = Buffer.alloc(bytes);
  for (let at = 0; at < bytes; at += 16) {
    content.writeUInt32BE(cluster + 1, at);
    content.writeUInt32BE(at, at + 4);
  }
  return content;
}
