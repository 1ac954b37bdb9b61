import type { FormatId } from '../../../src/domain/sources/source-workload.js';

/** A stretch of a file: what its readers go by. */
export type Place = readonly [offset: number, bytes: number];

/** Where files of a format keep what readers go by, from a file that is whole: changes anywhere else are mostly changes of a guest's data. By format (and by
 *  kind of extent, `vmdk-…`); of others the first and the last KiB. */
export const TABLE_PLACES: Readonly<Record<FormatId, (file: Buffer) => readonly Place[]>> = {
  qcow2: qcow2Places,
  vhd: vhdPlaces,
  vhdx: vhdxPlaces,
  vmdk: vmdkPlaces,
  'vmdk-stream': vmdkPlaces,
  'vmdk-cowd': cowdPlaces,
  'vmdk-sesparse': seSparsePlaces,
  vma: vmaPlaces,
  tar: tarPlaces,
  ova: (file) => [...tarPlaces(file), ...vmdkWithin(file)],
};

const SECTOR = 512;

/** @returns stretches that lie in the file */
export function tablePlaces(format: FormatId, file: Buffer): readonly Place[] {
  const ends: Place[] = [
    [0, 1_024],
    [Math.max(0, file.length - 1_024), 1_024],
  ];
  const places = TABLE_PLACES[format]?.(file) ?? ends;
  return places.filter(([at, bytes]) => at >= 0 && at + bytes <= file.length);
}

function qcow2Places(file: Buffer): Place[] {
  const number = (at: number): number => Number(file.readBigUInt64BE(at) & 0x00ff_ffff_ffff_fe00n);
  const l1 = number(40);
  const refcounts = number(48);
  const l2 = Array.from({ length: file.readUInt32BE(36) }, (_, index) => number(l1 + index * 8));
  return [
    [0, 128],
    [0, 512],
    [l1, 64],
    ...l2.filter((at) => at > 0).map((at): Place => [at, 256]),
    [refcounts, 64],
    [number(refcounts), 64],
    ...(file.readUInt32BE(60) > 0 ? [[number(64), 128] as Place] : []),
  ];
}

function vhdPlaces(file: Buffer): Place[] {
  const footer: Place = [file.length - SECTOR, 128];
  if (file.toString('latin1', 0, 8) !== 'conectix') return [footer];
  const header = Number(file.readBigUInt64BE(16));
  const table = Number(file.readBigUInt64BE(header + 16));
  const entries = file.readUInt32BE(header + 28);
  const blocks = Array.from({ length: entries }, (_, i) => file.readUInt32BE(table + i * 4));
  const bitmaps = blocks.filter((at) => at !== 0xffff_ffff);
  return [
    footer,
    [0, 128],
    [header, 64],
    [header, 1_024],
    [table, entries * 4],
    ...bitmaps.map((sector): Place => [sector * SECTOR, SECTOR]),
  ];
}

/** Regions begin at 1 MiB and behind it. */
function vhdxPlaces(file: Buffer): Place[] {
  const count = file.readUInt32LE(0x3_0008);
  const regions = Array.from({ length: count }, (_, index) =>
    Number(file.readBigUInt64LE(0x3_0010 + index * 32 + 16)),
  );
  const log = Number(file.readBigUInt64LE(0x1_0000 + 72));
  return [
    [0x1_0000, 128],
    [0x2_0000, 128],
    [0x3_0000, 96],
    [0x4_0000, 96],
    [log, 256],
    [log, 12_288],
    // Of the BAT its entries, of the metadata their table and what it tells of.
    ...regions.map((at): Place => [at, 256]),
    ...regions.map((at): Place => [at + 65_536, 512]),
  ];
}

function vmdkPlaces(file: Buffer): Place[] {
  if (file.toString('latin1', 0, 4) !== 'KDMV') return [[0, Math.min(file.length, 1_024)]];
  const sector = (at: number): number => Number(file.readBigUInt64LE(at)) * SECTOR;
  const footer = file.length - 2 * SECTOR;
  const isAtEnd = file.readBigUInt64LE(56) === 2n ** 64n - 1n;
  const directory = isAtEnd ? sector(footer + 56) : sector(56);
  const table = file.readUInt32LE(directory) * SECTOR;
  return [
    [0, 80],
    [sector(28), 512],
    [directory, 16],
    [table, 128],
    ...(sector(48) > 0 ? [[sector(48), 16] as Place] : []),
    [footer, 80],
    [footer - 4 * SECTOR, 4 * SECTOR],
    [sector(64), 16],
  ];
}

function cowdPlaces(file: Buffer): Place[] {
  const directory = file.readUInt32LE(20) * SECTOR;
  return [
    [0, 64],
    [directory, 32],
    [file.readUInt32LE(directory) * SECTOR, 64],
  ];
}

function seSparsePlaces(file: Buffer): Place[] {
  const sector = (at: number): number => Number(file.readBigUInt64LE(at)) * SECTOR;
  return [
    [0, 256],
    [SECTOR, 64],
    [sector(128), 32],
    [sector(144), 128],
  ];
}

function vmaPlaces(file: Buffer): Place[] {
  const places: Place[] = [
    [0, 64],
    [2_044, 16],
    [3_068, 16],
    [4_096, 128],
    [12_288, 512],
  ];
  for (let at = file.indexOf('VMAE'); at >= 0; at = file.indexOf('VMAE', at + 4))
    if (at % SECTOR === 0) places.push([at, 64], [at, SECTOR]);
  return places;
}

function tarPlaces(file: Buffer): Place[] {
  const places: Place[] = [];
  for (let at = 0; at + 1_024 <= file.length; at += SECTOR)
    // The header, and what may stand behind it: a map, or records.
    if (file.toString('latin1', at + 257, at + 262) === 'ustar')
      places.push([at, SECTOR], [at + 100, 60], [at + SECTOR, 128]);
  return places;
}

function vmdkWithin(file: Buffer): Place[] {
  const at = file.indexOf('KDMV');
  return at < 0 ? [] : vmdkPlaces(file.subarray(at)).map(([from, bytes]) => [at + from, bytes]);
}
