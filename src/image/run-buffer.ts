import { BLOCK_BYTES } from '../domain/targets/digest.js';

/** 1 MiB: smaller reads cost up to four times the time (docs/PERFORMANCE.md, Units). */
export const RUN_BLOCKS = 16;
export const RUN_BYTES = RUN_BLOCKS * BLOCK_BYTES;

/** Buffers that one memory is carved into. What is never touched takes no memory. */
const BUFFERS_OF_A_MEMORY = 16;
/** A page of WebAssembly, 64 KiB. */
const WASM_PAGE_BYTES = 65_536;

/** Not among the types of Node. */
declare const WebAssembly: {
  readonly Memory: new (size: { readonly initial: number; readonly maximum: number }) => {
    readonly buffer: ArrayBuffer;
  };
};

/** Buffers of this thread that nobody holds. */
const idle: Buffer[] = [];

/** A buffer of 1 MiB with any content that starts on a page, for one holder at a time: everything that moves disk content moves it
 *  through these.
 *
 *  On a page: `Buffer.alloc` gives memory that lies 16 bytes behind the start of one, and into such memory the kernel copies at a quarter
 *  of the speed (2.1–2.5 against 9.5–13.7 GiB/s, docs/PERFORMANCE.md, Alignment). JavaScript cannot ask where a buffer lies; the memory of
 *  WebAssembly always starts on a page. Each reserves 8 to 10 GiB of addresses, so there is one for many buffers.
 *  Kept: the collector frees native memory so late that new ones for every batch made the process grow by 5 MiB a batch, up to twice its
 *  size (docs/PERFORMANCE.md, Memory). Each thread has its own. */
export function takeRunBuffer(): Buffer {
  if (idle.length === 0) idle.push(...newBuffers());
  return idle.pop()!;
}

/** The buffer must not be used any more. */
export function giveRunBuffer(buffer: Buffer): void {
  idle.push(buffer);
}

/** Lends a buffer until `use` has come to its end. */
export async function withRunBuffer<T>(use: (buffer: Buffer) => Promise<T>): Promise<T> {
  const buffer = takeRunBuffer();
  try {
    return await use(buffer);
  } finally {
    giveRunBuffer(buffer);
  }
}

function newBuffers(): Buffer[] {
  const memory = alignedMemory(BUFFERS_OF_A_MEMORY * RUN_BYTES);
  if (memory === null) return [Buffer.alloc(RUN_BYTES)];
  return Array.from({ length: BUFFERS_OF_A_MEMORY }, (_, i) =>
    Buffer.from(memory, i * RUN_BYTES, RUN_BYTES),
  );
}

/** null: the process may not reserve that many addresses (`ulimit -v`); then it is slower. */
function alignedMemory(sizeBytes: number): ArrayBuffer | null {
  const pages = sizeBytes / WASM_PAGE_BYTES;
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages }).buffer;
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
