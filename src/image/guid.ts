import { createHash } from 'node:crypto';

const GUID_BYTES = 16;

/** A GUID as Windows stores it, its first three fields little-endian, in lower case and without braces. */
export function guidText(bytes: Uint8Array): string {
  return uuidText(swapFields(bytes));
}

/** Bytes of a GUID as Windows stores it. @param text with or without braces, in any case */
export function guidBytes(text: string): Uint8Array {
  return swapFields(uuidBytes(text));
}

/** A UUID whose bytes stand in the order of its text (RFC 4122). */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, GUID_BYTES)).toString('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export function uuidBytes(text: string): Uint8Array {
  if (!isGuid(text)) throw new Error(`${JSON.stringify(text)} is no GUID`);
  return Uint8Array.from(Buffer.from(text.replace(/[{}-]/g, ''), 'hex'));
}

export function isGuid(text: string): boolean {
  return /^\{?[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\}?$/i.test(text);
}

/** A GUID that follows from `seed` and what it is for: the same each time a file is composed anew. Text as of `guidText`; version 4. */
export function seededGuid(seed: string, purpose: string): string {
  const bytes = createHash('sha256').update(`${seed}/${purpose}`).digest().subarray(0, GUID_BYTES);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidText(bytes);
}

function swapFields(bytes: Uint8Array): Uint8Array {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Uint8Array.from(order, (from) => bytes[from] ?? 0);
}
