import type { ByteSource } from '../byte-source.js';
import type { StreamLinks } from '../image-format.js';
import { AT, HEADER_BYTES, UFS2_MAGIC, headerAt, isLittleEndian } from './dump-header.js';

const NAME_BYTES = 64;

/** A dump is known by machine, device and second; one above level 0 names the second of the dump that it builds on, as `/etc/dumpdates` has it. Without one
 *  it holds everything, whatever its level. null: it is no dump.
 *  Source: illumos head/protocols/dumprestore.h, cmd/backup/dump/dumpitime.c; FreeBSD include/protocols/dumprestore.h. */
export async function dumpLinks(source: ByteSource): Promise<StreamLinks | null> {
  if (source.sizeBytes < HEADER_BYTES) return null;
  const head = await headerAt(source, 0);
  const isLittle = isLittleEndian(head);
  if (isLittle === null) return null;
  const of = `${textAt(head, AT.host)}:${textAt(head, AT.device)}`;
  const [date, previous] = datesOf(head, isLittle);
  return {
    from: previous === 0 ? null : dumpName(of, previous),
    holds: date === 0 ? [] : [dumpName(of, date)],
  };
}

function datesOf(head: DataView, isLittle: boolean): readonly [number, number] {
  if (head.getInt32(AT.magic, isLittle) === UFS2_MAGIC) {
    const [date, previous] = [AT.wideDate, AT.widePreviousDate].map((at) =>
      Number(head.getBigInt64(at, isLittle)),
    );
    if (date !== 0) return [date!, previous!];
  }
  return [head.getInt32(AT.date, isLittle), head.getInt32(AT.previousDate, isLittle)];
}

function textAt(head: DataView, at: number): string {
  const bytes = Buffer.from(head.buffer, at, NAME_BYTES);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end === -1 ? NAME_BYTES : end);
}

/** Dates come out of a file: what is none is told as it stands there. */
function dumpName(of: string, seconds: number): string {
  const date = new Date(seconds * 1000);
  const text = Number.isNaN(date.getTime()) ? `${seconds}` : date.toISOString();
  return `dump of ${of} of ${text}`;
}
