import { parseDatedName } from '../names/dated-name.js';
import { namedDateMs } from '../names/named-date.js';
import type { MtfKind } from './mtf.js';

/** What the name of a backup file of SQL Server says. */
export interface MssqlName {
  /** null: the name does not say. */
  readonly kind: MtfKind | null;
  readonly server: string | null;
  /** Named as its tool names it; null: the name is anybody’s. */
  readonly database: string | null;
  /** What is left of a name without its date, its ending and the word for its kind: of a file that does not say whose it is. */
  readonly stem: string;
  /** A full that no differential builds on. */
  readonly isCopyOnly: boolean;
  /** Of some filegroups: a differential of such builds on a full of such, and logs on neither. */
  readonly isPartial: boolean;
  /** Local time of the server, without a zone: taken for UTC. */
  readonly createdAtMs: number | null;
  /** As people write it into names of their own. */
  readonly datedMs: number | null;
  /** Of a set that is striped over files: what their names have in common, and which of them this is. */
  readonly stripe: { readonly of: string; readonly number: number } | null;
}

/** The first, `.dif` and `.trn` are of SQL Server’s own tools; other software has files with any of them. */
const ENDING = /\.(?:bak|bkp|diff?|trn|tlog)$/i;

/** Maintenance plans: `<database>_backup_2026_11_24_063000_1234567.bak`. */
const PLAN =
  /^(?<database>.+)_backup_(?<year>\d{4})_(?<month>\d\d)_(?<day>\d\d)_(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d)_\d{7}\.(?:bak|bkp|diff?|trn|tlog)$/i;
/** Ola Hallengren’s maintenance solution: `<server>_<database>_FULL_20261124_063000.bak`, a differential also ends in `.bak`. */
const OLA =
  /^(?<stem>(?<server>.+?)_(?<database>.+)_(?<kind>FULL|DIFF|LOG)(?<partial>_PARTIAL)?(?<copyOnly>_COPY_ONLY)?_(?<year>\d{4})(?<month>\d\d)(?<day>\d\d)_(?<hour>\d\d)(?<minute>\d\d)(?<second>\d\d))(?:_(?<stripe>\d+))?\.(?:bak|bkp|diff?|trn|tlog)$/i;

const KINDS: Readonly<Record<string, MtfKind>> = {
  full: 'full',
  diff: 'differential',
  differential: 'differential',
  log: 'log',
  dif: 'differential',
  trn: 'log',
  tlog: 'log',
};
/** What people write behind the name of a database. A database may itself be called a log, and a log that is none would not be copied, so this word is
 *  believed of `.trn` and `.tlog` alone. */
const KIND_WORD = /^(?<stem>.*?)(?:^|[-_. ])(?<word>full|diff|dif|differential)$/i;
const LOG_WORD = /^(?<stem>.*?)(?:^|[-_. ])(?<word>t?logs?|trn)$/i;

export function isMssqlName(name: string): boolean {
  return ENDING.test(name);
}

/** @returns null: no file of a backup of SQL Server */
export function parseMssqlName(name: string): MssqlName | null {
  if (!isMssqlName(name)) return null;
  const ending = name.slice(name.lastIndexOf('.') + 1).toLowerCase();
  const parts = OLA.exec(name)?.groups ?? PLAN.exec(name)?.groups;
  const stripe = parts?.stripe;
  const isLog = KINDS[ending] === 'log';
  const own = ownName(name.replace(ENDING, ''), isLog ? LOG_WORD : KIND_WORD);
  const kind = parts === undefined ? (own.word ?? ending) : (parts.kind ?? ending);
  return {
    kind: KINDS[isLog ? ending : kind.toLowerCase()] ?? null,
    server: parts?.server ?? null,
    database: parts?.database ?? null,
    stem: parts?.database ?? own.stem,
    isCopyOnly: parts?.copyOnly !== undefined,
    isPartial: parts?.partial !== undefined,
    createdAtMs: parts === undefined ? null : namedDateMs(parts),
    datedMs: own.datedMs,
    stripe: stripe === undefined ? null : { of: parts?.stem ?? name, number: Number(stripe) },
  };
}

/** `Sales_full_2026-11-24` is of Sales, as `Sales-2026-11-24-diff` is. */
function ownName(
  base: string,
  kindWord: RegExp,
): { readonly stem: string; readonly word?: string | undefined; readonly datedMs: number | null } {
  const behind = kindWord.exec(base)?.groups;
  const dated = parseDatedName(behind?.stem ?? base);
  const bare = dated?.stem ?? behind?.stem ?? base;
  const before = behind === undefined ? kindWord.exec(bare)?.groups : undefined;
  return {
    stem: before?.stem ?? bare,
    word: behind?.word ?? before?.word,
    datedMs: dated?.createdAtMs ?? null,
  };
}
