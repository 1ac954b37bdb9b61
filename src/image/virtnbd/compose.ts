import { BLOCK_BYTES } from '../../domain/targets/digest.js';
import { BackupError } from '../../domain/errors.js';
import { slotOffset, type SlotPlacement } from '../../domain/targets/slot-placement.js';
import type { ByteSink } from '../byte-source.js';
import { MAP_BLOCKS, type Dialect } from '../disk-image.js';
import {
  FIRST_SLOT,
  type ComposerTraits,
  type FileShape,
  type PlannedContent,
} from '../image-format.js';
import { FRAME_GAP } from './frame-index.js';
import { MAX_RUNS, RunList } from './run-list.js';
import { frameHeader, LINE_END } from './stream-frames.js';
import { streamDialect } from './stream-meta.js';

/** A frame has no room behind its data: a last block that is no whole one has no slot to lie in. Such disks are kept in another format. */
export function virtnbdTraits(dialect: Dialect): ComposerTraits {
  const isWhole = streamDialect(dialect).virtualSizeBytes % BLOCK_BYTES === 0;
  return {
    kinds: isWhole ? ['full', 'increment'] : [],
    parents: ['virtnbd'],
    parentSize: 'same',
    slotOrder: 'ascending',
    granuleBlocks: 1,
    zeros: 'stored',
    maxDiskBytes: Number.MAX_SAFE_INTEGER,
  };
}

/** The head is the meta frame without its line end. Before each slot stand the line end of the frame before and the header of the slot's own. */
export function placeVirtnbdSlots(shape: FileShape): SlotPlacement {
  return { headBytes: headOf(shape).length, groupSlots: 1, prefixBytes: FRAME_GAP };
}

/** What stands before the slot of a guest block. */
export function prefixOf(block: number): Buffer {
  const header = frameHeader({ kind: 'data', start: block * BLOCK_BYTES, length: BLOCK_BYTES });
  return Buffer.concat([LINE_END, header]);
}

/** Writes that are on their way at once. */
const WRITES = 64;

/** Writes the plain variant around blocks that are in the file already: a data frame for each slot, in the order of the slots;
 *  in a full zero frames for what no slot holds; the stop frame; the list of its runs, which the tool does not look at. `virtnbdrestore`
 *  writes each frame where it says, so the order is free.
 *  Write order: everything behind the head, end of the file, sync, head, sync: a file that was not finished has no meta frame.
 *  @throws IMAGE_LIMIT_EXCEEDED when its blocks lie in more runs than are read */
export async function composeVirtnbd(
  sink: ByteSink,
  shape: FileShape,
  content: PlannedContent,
): Promise<{ sizeBytes: number }> {
  if (shape.virtualSizeBytes % BLOCK_BYTES !== 0)
    throw new Error(`plan: disk of ${shape.virtualSizeBytes} bytes, no whole number of blocks`);
  const placement = placeVirtnbdSlots(shape);
  const tail = new TailWriter(sink, slotOffset(placement, shape.slotCount) - FRAME_GAP);
  await tail.write(LINE_END);
  const runs = await writeFrames(sink, shape, content, { placement, tail });
  await tail.write(frameHeader({ kind: 'stop', start: 0, length: 0 }));
  const { text } = runs;
  for (let at = 0; at < text.length; at += BLOCK_BYTES)
    await tail.write(text.subarray(at, at + BLOCK_BYTES));
  await tail.write(LINE_END);
  await tail.write(frameHeader({ kind: 'runs', start: 0, length: text.length }));
  const sizeBytes = await tail.finish();
  await sink.truncate(sizeBytes);
  await sink.sync();
  await sink.write(headOf(shape), 0);
  await sink.sync();
  return { sizeBytes };
}

async function writeFrames(
  sink: ByteSink,
  { virtualSizeBytes, slotCount, parent, fileName }: FileShape,
  content: PlannedContent,
  { placement, tail }: { readonly placement: SlotPlacement; readonly tail: TailWriter },
): Promise<RunList> {
  const runs = new RunList();
  const endBlock = virtualSizeBytes / BLOCK_BYTES;
  const values = new Float64Array(MAP_BLOCKS);
  let zerosFrom = 0;
  let slots = 0;
  let writes: Promise<void>[] = [];
  const writeZeros = async (end: number): Promise<void> => {
    if (parent !== null || end === zerosFrom) return;
    const start = zerosFrom * BLOCK_BYTES;
    await tail.write(frameHeader({ kind: 'zero', start, length: end * BLOCK_BYTES - start }));
  };
  for (let first = await content.nextMapped(0); first < endBlock;) {
    const window = values.subarray(0, endBlock - first);
    await content.mapBlocks(first, window);
    for (let i = 0; i < window.length; i++) {
      if (window[i]! < FIRST_SLOT) continue;
      const slot = window[i]! - FIRST_SLOT;
      writes.push(sink.write(prefixOf(first + i), slotOffset(placement, slot) - FRAME_GAP));
      slots++;
      runs.add(first + i, slot);
      await writeZeros(first + i);
      zerosFrom = first + i + 1;
      if (writes.length < WRITES) continue;
      await Promise.all(writes);
      writes = [];
    }
    first = await content.nextMapped(first + window.length);
  }
  await Promise.all(writes);
  if (runs.isTooLong) throw tooManyRuns(fileName);
  await writeZeros(endBlock);
  if (slots !== slotCount)
    throw new Error(`plan: ${slotCount} slots, ${slots} of them belong to a block`);
  return runs;
}

function tooManyRuns(fileName: string): BackupError {
  return new BackupError(
    'IMAGE_LIMIT_EXCEEDED',
    `${fileName} would hold its disk in more than ${MAX_RUNS} pieces; so many are not read`,
    { details: { max: MAX_RUNS } },
  );
}

/** Appends small pieces. */
class TailWriter {
  private readonly buffer = Buffer.alloc(BLOCK_BYTES);
  private used = 0;

  constructor(
    private readonly sink: ByteSink,
    private offset: number,
  ) {}

  async write(bytes: Buffer): Promise<void> {
    if (this.used + bytes.length > this.buffer.length) await this.finish();
    this.used += bytes.copy(this.buffer, this.used);
  }

  /** @returns end of what was written */
  async finish(): Promise<number> {
    await this.sink.write(this.buffer.subarray(0, this.used), this.offset);
    this.offset += this.used;
    this.used = 0;
    return this.offset;
  }
}

/** Keys and form as the tool writes them, and `parentFile`, which it does not know and passes over: in a chain of Longhaul names of checkpoints
 *  may come again. */
function headOf({ virtualSizeBytes, slotCount, parent, dialect, seed, linkId }: FileShape): Buffer {
  const { date, diskName, diskFormat, checkpointName } = streamDialect(dialect);
  const meta = {
    virtualSize: virtualSizeBytes,
    dataSize: slotCount * BLOCK_BYTES,
    date,
    diskName,
    diskFormat,
    checkpointName: linkId ?? (checkpointName === '' ? seed : checkpointName),
    compressed: false,
    compressionMethod: 'lz4',
    parentCheckpoint: parent?.linkId ?? '',
    incremental: parent !== null,
    streamVersion: 2,
    ...(parent === null ? {} : { parentFile: parent.link }),
  };
  const text = Buffer.from(JSON.stringify(meta, null, 4));
  return Buffer.concat([frameHeader({ kind: 'meta', start: 0, length: text.length }), text]);
}
