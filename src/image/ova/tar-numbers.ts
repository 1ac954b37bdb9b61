/** Octal text, or base 256 with the first bit set. null: neither, or beyond what a file can have. */
export function numberOf(field: Buffer): number | null {
  if ((field[0]! & 0x80) === 0) return octal(field);
  const value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, field[0]! & 0x7f);
  return Number.isSafeInteger(value) ? value : null;
}

export function octal(field: Buffer): number | null {
  const text = field
    .toString('latin1')
    .replaceAll(/[\0 ]+$/g, '')
    .trimStart();
  return /^[0-7]+$/.test(text) ? Number.parseInt(text, 8) : null;
}
