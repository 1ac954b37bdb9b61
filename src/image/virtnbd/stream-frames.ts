import type { ByteSource } from '../byte-source.js';
import { imageFault } from '../image-fault.js';

/** A stream is a row of frames: header, payload (of `meta` and `data`), CR LF behind the payload. A header is 40 bytes of ASCII:
 *  `<kind> <start> <length>` CR LF, both numbers in 16 hexadecimal digits.
 *  Source: abbbi/virtnbdbackup libvirtnbdbackup/sparsestream/types.py, 1.9.15 */
export const HEADER_BYTES = 40;
export const LINE_END = Buffer.from('\r\n', 'latin1');

/** `runs`: of Longhaul's own (`run-list.ts`), behind the stop frame, where the tool does not look. */
type FrameKind = 'meta' | 'data' | 'zero' | 'stop' | 'comp' | 'runs';

export interface Frame {
  readonly kind: FrameKind;
  /** Byte of the guest disk; 0 of the others. */
  readonly start: number;
  /** Guest bytes of `data` and `zero`; bytes of the text of `meta`, `comp` and `runs`. */
  readonly length: number;
}

export function frameHeader({ kind, start, length }: Frame): Buffer {
  const hex = (value: number) => value.toString(16).padStart(16, '0');
  return Buffer.from(`${kind} ${hex(start)} ${hex(length)}\r\n`, 'latin1');
}

/** @param offset of the header in the file, for the report
 *  @throws IMAGE_CORRUPT when it is none, IMAGE_LIMIT_EXCEEDED when a number in it is beyond 2^53 */
export function parseFrame(source: ByteSource, header: Buffer, offset: number): Frame {
  const found = HEADER.exec(header.toString('latin1'));
  if (found === null)
    throw imageFault(source, 'IMAGE_CORRUPT', `there is no frame at byte ${offset}`, { offset });
  const [, kind, start, length] = found as unknown as [string, FrameKind, string, string];
  const frame = { kind, start: Number(`0x${start}`), length: Number(`0x${length}`) };
  if (frame.start + frame.length > Number.MAX_SAFE_INTEGER)
    throw imageFault(
      source,
      'IMAGE_LIMIT_EXCEEDED',
      `the frame at byte ${offset} begins at ${start} and has ${length} bytes`,
      { offset },
    );
  return frame;
}

const HEADER = /^(meta|data|zero|stop|comp|runs) ([0-9a-f]{16}) ([0-9a-f]{16})\r\n$/;
