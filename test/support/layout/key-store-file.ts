/** The description of a machine as Hyper-V keeps it (`.vmcx`), by hand from the facts of real ones: nothing here is shared with what Longhaul reads.
 *  The second header counts; one table of keys, after an older one with the same index.
 *  @param drives by controller and drive: type, and path on the host */
export function describedMachine(
  name: string,
  drives: Readonly<Record<string, readonly [type: string, path: string]>>,
): Buffer {
  const file = Buffer.alloc(0x6000);
  for (const [at, sequence] of [
    [0, 24],
    [0x1000, 25],
  ] as const) {
    file.writeUInt32LE(0x01282014, at);
    file.writeUInt16LE(sequence, at + 8);
    file.writeUInt32LE(0x400, at + 10);
    file.writeUInt32LE(0x1000, at + 22);
    file.writeBigUInt64LE(0x5000n, at + 26);
    file.writeBigUInt64LE(0x1000n, at + 34);
    file.writeUInt32LE(0x1000, at + 42);
  }
  file.writeUInt32LE(0x01110003, 0x5000);
  file.writeUInt32LE(0x01110001, 0x2000);
  file.writeUInt32LE(3, 0x2004);
  const keys = new Keys();
  const root = keys.add('configuration', null);
  const device = keys.add('_83f8638b-8dca-4152-9eda-2ca8b33039b4_', root);
  for (const [place, [type, path]] of Object.entries(drives)) {
    const [controller, drive] = place.split('/') as [string, string];
    const node = keys.add(drive, keys.add(controller, device));
    keys.add('pathname', node, path);
    keys.add('type', node, type);
  }
  keys.add('name', keys.add('properties', root), name);
  const old = new Keys();
  old.add('name', old.add('properties', old.add('configuration', null)), 'the name before');
  for (const [i, [table, sequence]] of (
    [
      [keys, 7],
      [old, 6],
    ] as const
  ).entries()) {
    const at = 0x3000 + i * 0x1000;
    table.bytes.copy(file, at + 10);
    file.writeUInt16LE(2, at);
    file.writeUInt16LE(1, at + 2);
    file.writeUInt16LE(sequence, at + 4);
    const object = 0x2008 + 18 * i;
    file[object] = 2;
    file.writeBigUInt64LE(BigInt(at), object + 5);
    file.writeUInt32LE(0x1000, object + 13);
    file[object + 17] = 1;
  }
  file[0x2008 + 36] = 4; // free
  return file;
}

/** Entries of a table with index 1, behind its head of 10 bytes. */
class Keys {
  bytes = Buffer.alloc(0);

  /** @returns where it lies in the table */
  add(name: string, parent: number | null, text?: string): number {
    const key = Buffer.from(`${name}\0`);
    const value = Buffer.from(text ?? '\0'.repeat(6), 'utf16le');
    const head = Buffer.alloc(21);
    const length = Buffer.alloc(text === undefined ? 0 : 4);
    if (text !== undefined) length.writeUInt32LE(value.length);
    head.writeUInt16LE(text === undefined ? 9 : 6, 0);
    head.writeUInt32LE(head.length + key.length + length.length + value.length, 2);
    if (parent !== null) {
      head.writeUInt16LE(1, 6);
      head.writeUInt32LE(parent, 8);
    }
    head[20] = key.length;
    const at = 10 + this.bytes.length;
    this.bytes = Buffer.concat([this.bytes, head, key, length, value]);
    return at;
  }
}
