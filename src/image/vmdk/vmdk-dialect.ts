import type { Dialect } from '../disk-image.js';
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

/** @param ddb lines of the disk data base, by key without `ddb.` */
export function dialectOf(ddb: ReadonlyMap<string, string>): Dialect {
  const lines = DIALECT_KEYS.flatMap((key) => {
    const value = ddb.get(key) ?? '';
    return DIALECT_VALUE.test(value) ? [[key, value] as const] : [];
  });
  return Object.fromEntries(lines);
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
