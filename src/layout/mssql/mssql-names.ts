import { namedDateMs } from '../named-date.js';
import type { MtfKind } from './mtf.js';

/** What the name of a backup file of SQL Server says. */
export interface MssqlName {
  /** null: the name does not say. */
  readonly kind: MtfKind | null;
  readonly server: string | null;
  readonly database: string | null;
  /** A full that no differential builds on. */
  readonly isCopyOnly: boolean;
  /** Local time of the server, without a zone: taken for UTC. */
  readonly createdAtMs: number | null;
  /** Of a set that is striped over files: what their names have in common, and which of them this is. */
  readonly stripe: { readonly of: string; readonly number: number } | null;
}

const ENDING = /\.(?:bak|dif|trn)$/i;

/** Maintenance plans: `<database>_backup_2026_11_24_063000_1234567.bak`. */
const PLAN =
  /^(?<database>.+)_backup_(?<year>\d{4})_(?<month>\d\d)_(?<day>\d\d)_(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)_\d{7}\.(?:bak|dif|trn)$/i;
/** Ola Hallengren’s maintenance solution: `<server>_<database>_FULL_20261124_063000.bak`, a differential also ends in `.bak`. */
const OLA =
  /^(?<stem>(?<server>.+?)_(?<database>.+)_(?<kind>FULL|DIFF|LOG)(?:_PARTIAL)?(?<copyOnly>_COPY_ONLY)?_(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)_(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d))(?:_(?<stripe>\d+))?\.(?:bak|dif|trn)$/i;

const KINDS: Readonly<Record<string, MtfKind>> = {
  full: 'full',
  diff: 'differential',
  log: 'log',
  dif: 'differential',
  trn: 'log',
};

export function isMssqlName(name: string): boolean {
  return ENDING.test(name);
}

/** @returns null: no file of a backup of SQL Server */
export function parseMssqlName(name: string): MssqlName | null {
  if (!isMssqlName(name)) return null;
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const parts = OLA.exec(name)?.groups ?? PLAN.exec(name)?.groups;
  const stripe = parts?.stripe;
  return {
    kind: KINDS[parts?.kind?.toLowerCase() ?? ending] ?? null,
    server: parts?.server ?? null,
    database: parts?.database ?? null,
    isCopyOnly: parts?.copyOnly !== undefined,
    createdAtMs: parts === undefined ? null : namedDateMs(parts),
    stripe: stripe === undefined ? null : { of: parts?.stem ?? name, number: Number(stripe) },
  };
}
