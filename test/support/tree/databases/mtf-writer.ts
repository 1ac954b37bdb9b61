import { summed } from '../../layout/mtf-file.js';

interface MtfBackup {
  readonly kind: 'D' | 'I' | 'L';
  readonly database: string;
  readonly server: string;
  readonly firstLsn: number;
  readonly lastLsn: number;
  readonly checkpointLsn: number;
  readonly databaseLsn: number;
  readonly localMs: number;
  readonly dataBytes: number;
}

const BLOCK = 512;
/** Of the descriptor's head, and of the stream's behind it. */
const HEAD = 52;
const STREAM = 22;

/** One backup of SQL Server in a file of blocks of 512 bytes: media head, file mark, set, file mark, end of the set, file mark. Sources: Microsoft Tape
 *  Format Specification 1.00a; the fields of SQL Server stand where eight files of SQL Server 2008 R2 have them. */
export function mtfBackup(backup: MtfBackup): Buffer {
  const data = Buffer.alloc(
    BLOCK * Math.max(1, Math.round(backup.dataBytes / BLOCK)),
    `${backup.database} ${backup.lastLsn} `,
  );
  const set = [setHead(backup.localMs), description(backup), data];
  const secondMark = 2 * BLOCK + set.reduce((sum, { length }) => sum + length, 0);
  return Buffer.concat([
    ...[block('TAPE'), mark([])],
    ...set,
    ...[mark([BLOCK]), block('ESET'), mark([secondMark, BLOCK])],
  ]);
}

function block(type: string): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  bytes.write(type, 'latin1');
  return summed(bytes, 0);
}

/** @param before where marks before it stand, newest first */
function mark(before: readonly number[]): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  bytes.write('SFMB', 'latin1');
  bytes.writeUInt32LE((BLOCK - 72) / 8, 52);
  bytes.writeUInt32LE(before.length, 56);
  before.forEach((at, index) => bytes.writeBigUInt64LE(BigInt(at), 72 + 8 * index));
  return summed(bytes, 0);
}

function setHead(localMs: number): Buffer {
  const bytes = Buffer.alloc(BLOCK);
  bytes.write('SSET', 'latin1');
  bytes.writeUInt16LE(1, 62);
  const at = new Date(localMs);
  const parts: [number, number][] = [
    ...[
      [at.getUTCFullYear(), 14] as [number, number],
      [at.getUTCMonth() + 1, 4] as [number, number],
    ],
    ...[[at.getUTCDate(), 5] as [number, number], [at.getUTCHours(), 5] as [number, number]],
    ...[[at.getUTCMinutes(), 6] as [number, number], [at.getUTCSeconds(), 6] as [number, number]],
  ];
  const value = parts.reduce((sum, [part, bits]) => (sum << BigInt(bits)) | BigInt(part), 0n);
  for (let index = 0; index < 5; index++)
    bytes[88 + index] = Number((value >> BigInt(8 * (4 - index))) & 0xffn);
  return summed(bytes, 0);
}

function description({ kind, database, server, ...lsns }: MtfBackup): Buffer {
  const bytes = Buffer.alloc(2 * BLOCK);
  bytes.write('MSCI', 'latin1');
  bytes.writeUInt16LE(HEAD, 8);
  const scin = bytes.subarray(HEAD + STREAM);
  scin.write('SCIN', 'latin1');
  const [name, owner] = [database, server].map((text) => Buffer.from(text, 'utf16le'));
  scin.writeUInt16LE(300 + name!.length + owner!.length, 4);
  [lsns.firstLsn, lsns.lastLsn, lsns.checkpointLsn, lsns.databaseLsn].forEach((lsn, index) => {
    scin.writeUInt32LE(7, 32 + 10 * index);
    scin.writeUInt32LE(lsn, 36 + 10 * index);
    scin.writeUInt16LE(1, 40 + 10 * index);
  });
  scin.write(kind, 87, 'latin1');
  scin.writeUInt16LE(name!.length, 104);
  scin.writeUInt16LE(300, 106);
  scin.writeUInt16LE(owner!.length, 108);
  scin.writeUInt16LE(300 + name!.length, 110);
  name!.copy(scin, 300);
  owner!.copy(scin, 300 + name!.length);
  return summed(bytes, 0);
}
