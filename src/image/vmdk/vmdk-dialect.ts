import type { ByteSource } from '../byte-source.js';
import type { Dialect } from '../disk-image.js';
import { imageFault } from '../image-fault.js';
import { KEY_LINES, type VmdkDescriptor } from './descriptor.js';
import { SECTOR_BYTES } from './vmdk-bytes.js';

/** What the hardware sees of a disk; without what belongs to one content (`longContentID`) or one storage. */
const DIALECT_KEYS = [
  'adapterType',
  'geometry.cylinders',
  'geometry.heads',
  'geometry.sectors',
  'geometry.biosCylinders',
  'geometry.biosHeads',
  'geometry.biosSectors',
  'toolsInstallType',
  'toolsVersion',
  'uuid',
  'virtualHWVersion',
] as const;
/** Must fit in a line of a descriptor, and say nothing else there. */
const DIALECT_VALUE = /^[ !#-~]{1,128}$/;

/** Of all lines of keys together: the descriptor of a copy has 10 KiB, and names in it. */
const MAX_KEY_CHARACTERS = 4_096;
const KEY_VALUE = /^[ !#-~]*$/;

/** @throws IMAGE_ENCRYPTED when a copy would not keep the keys of the disk, and be noise for ever */
export function dialectOf(source: ByteSource, { ddb, encryption }: VmdkDescriptor): Dialect {
  const lines = DIALECT_KEYS.flatMap((key) => {
    const value = ddb.get(key) ?? '';
    return DIALECT_VALUE.test(value) ? [[key, value] as const] : [];
  });
  if (encryption.size === 0) return Object.fromEntries(lines);
  const keys = [...encryption];
  const characters = keys.reduce((sum, [, value]) => sum + value.length, 0);
  if (characters > MAX_KEY_CHARACTERS || !keys.every(([, value]) => KEY_VALUE.test(value)))
    throw imageFault(
      source,
      'IMAGE_ENCRYPTED',
      'is encrypted, and its keys stand in a form that a copy does not keep',
    );
  return { ...Object.fromEntries(lines), encryption: Object.fromEntries(keys) };
}

/** `KEY_LINES` of an encrypted disk. */
export function encryptionLines({ encryption }: Dialect): string[] {
  if (typeof encryption !== 'object' || encryption === null) return [];
  return Object.entries(encryption).flatMap(([key, value]) =>
    KEY_LINES.includes(key) && typeof value === 'string' && KEY_VALUE.test(value)
      ? [`${key}="${value}"`]
      : [],
  );
}

/** The lines `ddb.…` of a disk; those without which no tool takes it are there whatever the dialect says. */
export function ddbLines(dialect: Dialect, virtualSizeBytes: number): string[] {
  const usual: Dialect = {
    adapterType: 'lsilogic',
    'geometry.cylinders': String(cylinders(virtualSizeBytes)),
    'geometry.heads': String(HEADS),
    'geometry.sectors': String(TRACK_SECTORS),
    virtualHWVersion: '4',
  };
  return DIALECT_KEYS.flatMap((key) => {
    const own = dialect[key];
    const value = typeof own === 'string' && DIALECT_VALUE.test(own) ? own : usual[key];
    return typeof value === 'string' ? `ddb.${key} = "${value}"` : [];
  });
}

const HEADS = 255;
const TRACK_SECTORS = 63;
/** What the field of a BIOS holds. */
const MAX_CYLINDERS = 65_535;

function cylinders(virtualSizeBytes: number): number {
  const sectors = virtualSizeBytes / SECTOR_BYTES;
  return Math.min(MAX_CYLINDERS, Math.max(1, Math.floor(sectors / (HEADS * TRACK_SECTORS))));
}
