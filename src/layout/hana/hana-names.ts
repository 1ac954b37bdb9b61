import { lastName } from '../../repository/repository-path.js';

/** Names of backup files of SAP HANA. Ids are milliseconds since 1970, so they tell when. Volume 0 is the topology.
 *  Sources: SAP HANA administration guide, 2.0 (naming of backups); formats are as listed in public notes of administrators. */

export type HanaName =
  | {
      readonly is: 'data';
      /** Backups of one prefix are one backup. */
      readonly prefix: string;
      readonly volume: number;
      readonly part: number;
      /** Of a delta backup: what it follows, and itself. null: it is a full. */
      readonly delta: { readonly kind: string; readonly from: string; readonly to: string } | null;
    }
  | {
      readonly is: 'log';
      readonly volume: number;
      readonly first: number;
      /** Where the next log of this volume begins. */
      readonly last: number;
      readonly id: string | null;
    }
  /** The catalogue, which lists all backups. */
  | { readonly is: 'catalogue'; readonly id: string | null };

const DELTA =
  /^(?<prefix>.+)_databackup_(?<kind>incremental|differential)_(?<from>\d{13})_(?<to>\d{13})_(?<volume>\d{1,4})_(?<part>\d{1,4})$/;
const DATA = /^(?<prefix>.+)_databackup_(?<volume>\d{1,4})_(?<part>\d{1,4})$/;
const CATALOGUE = /^log_backup_0_0_0_0(?:\.(?<id>\d{13}))?$/;
const LOG =
  /^log_backup_(?<volume>\d{1,4})_\d{1,4}_(?<first>\d{1,16})_(?<last>\d{1,16})(?:\.(?<id>\d{13}))?$/;

/** null: no backup file of SAP HANA. */
export function parseHanaName(name: string): HanaName | null {
  const delta = DELTA.exec(name)?.groups;
  if (delta !== undefined) {
    const { prefix = '', kind = '', from = '', to = '', volume, part } = delta;
    const numbers = { volume: Number(volume), part: Number(part) };
    return { is: 'data', prefix, ...numbers, delta: { kind, from, to } };
  }
  const data = DATA.exec(name)?.groups;
  if (data !== undefined)
    return {
      is: 'data',
      prefix: data.prefix ?? '',
      volume: Number(data.volume),
      part: Number(data.part),
      delta: null,
    };
  const catalogue = CATALOGUE.exec(name);
  if (catalogue !== null) return { is: 'catalogue', id: catalogue.groups?.id ?? null };
  const log = LOG.exec(name)?.groups;
  if (log === undefined) return null;
  const { volume, first, last, id = null } = log;
  return { is: 'log', volume: Number(volume), first: Number(first), last: Number(last), id };
}

/** Whether a data backup of this name is the only one that ever has it: a date is in its prefix, or it is named by its ids. */
export function isOfOneBackup(name: string): boolean {
  const parsed = parseHanaName(name);
  return parsed?.is === 'data' && (parsed.delta !== null || DATE.test(parsed.prefix));
}

/** Whether it is the one catalogue of a folder, which each backup writes anew: of older releases, without an id. */
export function isCatalogueOfStore(name: string): boolean {
  const parsed = parseHanaName(name);
  return parsed?.is === 'catalogue' && parsed.id === null;
}

/** Whether backups with these files may be of one database. The system database (volume 1) and a tenant (volume 2 and more) may be written into one folder:
 *  the fulls of one say nothing of the logs of the other. */
export function mayBeOfOneDatabase(files: readonly string[], others: readonly string[]): boolean {
  const volumes = volumesOf(files);
  return volumesOf(others).some((volume) => volumes.includes(volume));
}

/** Each has a topology (volume 0), and some bring the catalogue. */
export function volumesOf(paths: readonly string[]): number[] {
  return paths.flatMap((path) => {
    const name = parseHanaName(lastName(path));
    return name === null || name.is === 'catalogue' || name.volume === 0 ? [] : [name.volume];
  });
}

/** What the prefixes of one database's fulls have in common, however they are dated or counted: with a time behind the date, or with the day of the week. */
export function seriesOf(prefix: string): string {
  return SERIES_PARTS.reduce((rest, part) => rest.replace(part, ''), prefix);
}

/** As people write it, or seconds since 1970. */
const DATE = /(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])|\d{10}/;
const TIME = /(?:[-_.T]?\d\d)*/;

/** Taken off one after the other. */
const SERIES_PARTS = [
  // A date in any order (24112026, 261124), or a counter.
  new RegExp(`\\d{6,}${TIME.source}`, 'g'),
  // 24.11.2026, 11-24-2026
  new RegExp(
    `(?<!(?:19|20)\\d\\d[-_.]?)(?<!\\d)\\d{1,2}([-_.])\\d{1,2}\\1(?:19|20)\\d\\d(?!\\d)${TIME.source}`,
    'g',
  ),
  new RegExp(`(?:${DATE.source})${TIME.source}`, 'g'),
  // 24NOV2026
  new RegExp(
    `(?<!\\d)\\d{1,2}([-_.]?)(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\1(?:19|20)\\d\\d(?!\\d)${TIME.source}`,
    'gi',
  ),
  /(?<![a-z])(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs(?:day)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)(?![a-z])/gi,
];
