/** BSON as far as lists of files and marks of archives need it: the plain values of a document’s own level. What is nested is stepped over by its
 *  length, never entered, so nothing that a document says makes the reader deep or large.
 *  Source: bsonspec.org, version 1.1. */

type BsonValue = string | number | boolean | null;

/** Documents that MongoDB stores have at most 16 MiB; tools may wrap one. */
const MAX_BSON_BYTES = 16 * 1024 * 1024 + 16 * 1024;
const MIN_BSON_BYTES = 5;

/** Length of the document that begins at `at`, as it says itself; null: none can begin there. */
export function bsonLength(bytes: Uint8Array, at: number): number | null {
  if (at + 4 > bytes.length) return null;
  const length = viewOf(bytes).getInt32(at, true);
  return length < MIN_BSON_BYTES || length > MAX_BSON_BYTES ? null : length;
}

/** The document that begins at `at`; values of other types than numbers, texts and flags are left out.
 *  @returns null: none that is whole and sound begins there */
export function readBson(bytes: Uint8Array, at: number): ReadonlyMap<string, BsonValue> | null {
  const length = bsonLength(bytes, at);
  if (length === null || at + length > bytes.length || bytes[at + length - 1] !== 0) return null;
  const end = at + length - 1;
  const fields = new Map<string, BsonValue>();
  let next = at + 4;
  while (next < end) {
    const element = readElement(bytes, next, end);
    if (element === null) return null;
    if (element.value !== undefined) fields.set(element.name, element.value);
    next = element.next;
  }
  return next === end ? fields : null;
}

interface Element {
  readonly name: string;
  /** undefined: of a type that is stepped over. */
  readonly value: BsonValue | undefined;
  readonly next: number;
}

function readElement(bytes: Uint8Array, at: number, end: number): Element | null {
  const nameEnd = bytes.indexOf(0, at + 1);
  if (nameEnd < 0 || nameEnd >= end) return null;
  const name = TEXT.decode(bytes.subarray(at + 1, nameEnd));
  const from = nameEnd + 1;
  const size = sizeOf(bytes, bytes[at]!, from, end);
  if (size === null || from + size > end) return null;
  return { name, value: valueOf(bytes, bytes[at]!, from, size), next: from + size };
}

const TEXT = new TextDecoder();

/** Bytes of the value; null: of a type that is not known, so that nothing behind it can be found. */
function sizeOf(bytes: Uint8Array, type: number, at: number, end: number): number | null {
  const fixed = FIXED_BYTES[type];
  if (fixed !== undefined) return fixed;
  if (at + 4 > end) return null;
  const length = viewOf(bytes).getInt32(at, true);
  if (length < 0) return null;
  switch (type) {
    case BSON.text:
    case BSON.code:
    case BSON.symbol:
      return length === 0 ? null : 4 + length;
    case BSON.document:
    case BSON.array:
      return length < MIN_BSON_BYTES ? null : length;
    case BSON.binary:
      return 5 + length;
    default:
      return null;
  }
}

function valueOf(bytes: Uint8Array, type: number, at: number, size: number): BsonValue | undefined {
  const view = viewOf(bytes);
  switch (type) {
    case BSON.double:
      return view.getFloat64(at, true);
    case BSON.text:
      return TEXT.decode(bytes.subarray(at + 4, at + size - 1));
    case BSON.flag:
      return bytes[at] !== 0;
    case BSON.nothing:
      return null;
    case BSON.int32:
      return view.getInt32(at, true);
    case BSON.int64:
      return Number(view.getBigInt64(at, true));
    default:
      return undefined;
  }
}

const BSON = {
  ...{ double: 0x01, text: 0x02, document: 0x03, array: 0x04, binary: 0x05, flag: 0x08 },
  ...{ nothing: 0x0a, code: 0x0d, symbol: 0x0e, int32: 0x10, int64: 0x12 },
} as const;

/** Types whose values have one size: object id, date, timestamp, decimal, the smallest and the largest key among them. */
const FIXED_BYTES: Readonly<Record<number, number>> = {
  ...{ 0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0a: 0 },
  ...{ 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7f: 0, 0xff: 0 },
};

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
