import { BackupError } from '../../domain/errors.js';
import type { DiskImage } from '../../image/disk-image.js';

/** Of tables that come and go, beside one of each layer: a chain of many layers would keep some MiB of each. */
const KEPT_BYTES = 32 * 1024 * 1024;
/** Of all tables, with those that stay for as long as an image is open: each layer has little, and a chain may have thousands. A year's increments of a disk of 60 TB, each with changes
 *  in all of its parts, take 800 MiB. Beyond that what was read is let go at once, and a chain of a source is refused: it may be made for that. */
export const MOST_TABLE_BYTES = 1024 * 1024 * 1024;

type Layer = Pick<DiskImage, 'label' | 'tableBytes' | 'keepTables'>;

/** What the tables of all layers of a stack take together. */
export class StackTables {
  private readonly layers: Layer[] = [];
  /** What those of each layer were found to take, */
  private readonly bytes: number[] = [];
  /** and all of them together. */
  private sum = 0;

  /** @param isOwn a chain that Longhaul has written is read however much its tables take: nothing else holds its restore points */
  constructor(
    private readonly isOwn: boolean,
    private readonly mostBytes = MOST_TABLE_BYTES,
  ) {}

  /** A further layer was opened: all keep less, and where what stays is too much, so many of a source are not read as one disk.
   *  @throws IMAGE_LIMIT_EXCEEDED */
  add(layer: Layer): void {
    this.layers.push(layer);
    this.bytes.push(0);
    const { length } = this.layers;
    for (const open of this.layers) open.keepTables?.(KEPT_BYTES / length);
    if (this.count(length - 1) <= this.mostBytes) return;
    for (let index = 0; index < length; index++) this.drop(index);
    if (this.sum > this.mostBytes && !this.isOwn) throw this.tooLarge();
  }

  /** A layer was asked, or waits for what lies below it: what it has read it keeps, unless all of them have too much. */
  used(index: number): void {
    if (this.count(index) > this.mostBytes) this.drop(index);
  }

  private drop(index: number): void {
    this.layers[index]?.keepTables?.(0);
    this.count(index);
  }

  private count(index: number): number {
    const now = this.layers[index]?.tableBytes ?? 0;
    this.sum += now - (this.bytes[index] ?? 0);
    this.bytes[index] = now;
    return this.sum;
  }

  private tooLarge(): BackupError {
    const { label = '' } = this.layers[0] ?? {};
    const max = Math.floor(this.mostBytes / 1024 / 1024);
    return new BackupError(
      'IMAGE_LIMIT_EXCEEDED',
      `${label} stands on a chain of files of which ${this.layers.length} take more than ${max} MiB of memory for their tables: so much is not read as one disk`,
      { details: { path: label, seen: this.sum, max: this.mostBytes } },
    );
  }
}
