import type { Medium } from './medium.js';
import { lsnText, type MtfDatabase } from './mtf.js';

/** Backups of one database. */
export interface DatabaseMedia {
  /** null: nothing says it, or several servers take its backups. */
  readonly server: string | null;
  readonly database: string | null;
  readonly media: readonly Medium[];
}

/** Servers of an availability group take backups of one database in turn, each under its own name. They are one workload where they are of one family and a
 *  backup of one goes on from a backup of the other: a copy of a database that was made for tests has its name and family, too. */
export function joinServers(groups: readonly DatabaseMedia[]): DatabaseMedia[] {
  const joined: DatabaseMedia[] = [];
  for (const group of groups) {
    const own = joined.filter((other) => isJoined(other, group));
    const rest = joined.filter((other) => !own.includes(other));
    const media = [...own, group].flatMap((one) => one.media);
    joined.splice(
      0,
      joined.length,
      ...rest,
      own.length === 0 ? group : { ...group, server: null, media },
    );
  }
  return joined;
}

function isJoined(a: DatabaseMedia, b: DatabaseMedia): boolean {
  if (a.database === null || a.database.toLowerCase() !== b.database?.toLowerCase()) return false;
  const [ones, others] = [databasesOf(a), databasesOf(b)];
  const family = ones.find((one) => one.family !== null)?.family;
  if (family === undefined || ![...ones, ...others].every((one) => one.family === family))
    return false;
  return goesOnFrom(ones, others) || goesOnFrom(others, ones);
}

function databasesOf({ media }: DatabaseMedia): MtfDatabase[] {
  return media.flatMap(({ sets }) => sets.flatMap(({ database }) => database ?? []));
}

/** A log begins where another ends; all that is no full names the full before it by its checkpoint. */
function goesOnFrom(later: readonly MtfDatabase[], earlier: readonly MtfDatabase[]): boolean {
  const lsns = earlier.flatMap(({ kind, lastLsn, checkpointLsn }) =>
    kind === 'log' ? [lastLsn] : kind === 'full' ? [checkpointLsn] : [],
  );
  const seen = new Set(lsns.map(lsnText));
  return later.some(
    ({ kind, firstLsn, databaseLsn }) =>
      kind !== 'full' &&
      [...(kind === 'log' ? [firstLsn] : []), databaseLsn].some((lsn) => seen.has(lsnText(lsn))),
  );
}
