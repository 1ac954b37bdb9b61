import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';
import { LINE_END } from './stream-frames.js';

/** Blocks that follow each other on the disk, in slots that follow each other. */
export interface BlockRun {
  /** 64 KiB each. */
  readonly block: number;
  readonly blocks: number;
  readonly slot: number;
}

/** Little-endian: u48 block, u48 slot, u32 number of blocks. */
const ENTRY_BYTES = 16;
const SLOT_AT = 6;
const BLOCKS_AT = 12;

/** 64 MiB of memory of an opened stream. What the tool writes has a run for each extent of the disk, what Longhaul writes far fewer. */
export const MAX_RUNS = 2 * 1024 * 1024;
export const MAX_RUN_LIST_BYTES = MAX_RUNS * ENTRY_BYTES;

/** What stands behind the stop frame of a stream that Longhaul has written: which blocks lie in which slots, so that opening it does not read a
 *  header for each 64 KiB. The tool reads nothing behind a stop frame. */
export class RunList {
  private bytes = Buffer.alloc(1024 * ENTRY_BYTES);
  private used = 0;
  /** There are more runs than are ever read. */
  isTooLong = false;

  /** By block, ascending. */
  add(block: number, slot: number): void {
    const { bytes } = this;
    const last = this.used - ENTRY_BYTES;
    if (last >= 0) {
      const blocks = bytes.readUInt32LE(last + BLOCKS_AT);
      const isNext =
        bytes.readUIntLE(last, SLOT_AT) + blocks === block &&
        bytes.readUIntLE(last + SLOT_AT, BLOCKS_AT - SLOT_AT) + blocks === slot;
      if (isNext && blocks < MAX_RUN_BLOCKS) {
        bytes.writeUInt32LE(blocks + 1, last + BLOCKS_AT);
        return;
      }
    }
    this.isTooLong ||= this.used === MAX_RUN_LIST_BYTES;
    if (this.isTooLong) return;
    this.reserve();
    this.bytes.writeUIntLE(block, this.used, SLOT_AT);
    this.bytes.writeUIntLE(slot, this.used + SLOT_AT, BLOCKS_AT - SLOT_AT);
    this.bytes.writeUInt32LE(1, this.used + BLOCKS_AT);
    this.used += ENTRY_BYTES;
  }

  get text(): Buffer {
    return this.bytes.subarray(0, this.used);
  }

  private reserve(): void {
    if (this.used < this.bytes.length) return;
    const grown = Buffer.alloc(this.bytes.length * 2);
    this.bytes.copy(grown);
    this.bytes = grown;
  }
}

const MAX_RUN_BLOCKS = 0xffff_ffff;

/** @param offset of the list, `bytes` long, behind the stop frame
 *  @throws IMAGE_CORRUPT unless it is a whole number of runs */
export async function readRunList(
  source: ByteSource,
  offset: number,
  bytes: number,
): Promise<Iterable<BlockRun>> {
  const list = Buffer.alloc(bytes + LINE_END.length);
  await source.read(list, offset);
  if (bytes % ENTRY_BYTES !== 0 || !list.subarray(bytes).equals(LINE_END))
    throw imageFault(source, 'IMAGE_CORRUPT', 'its list of runs has no end', { offset });
  return runsIn(list.subarray(0, bytes));
}

function* runsIn(list: Buffer): Generator<BlockRun> {
  for (let at = 0; at < list.length; at += ENTRY_BYTES)
    yield {
      block: list.readUIntLE(at, SLOT_AT),
      slot: list.readUIntLE(at + SLOT_AT, BLOCKS_AT - SLOT_AT),
      blocks: list.readUInt32LE(at + BLOCKS_AT),
    };
}
