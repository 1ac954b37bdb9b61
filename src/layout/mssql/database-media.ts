import type { Medium } from './medium.js';
import type { MtfDatabase } from './mtf.js';

/** Backups of one database. */
export interface DatabaseMedia {
  /** null: nothing says it. */
  readonly database: string | null;
  /** What tells it from others of its name in its id, and people. Empty: nothing, or there is no other. */
  readonly apart: { readonly id: string; readonly name: string };
  readonly media: readonly Medium[];
}

/** Media of each database, by its name and by its family: servers of an availability group take backups of one database in turn, each under its own name,
 *  and files that do not tell a server come and go with retention, so no server tells databases apart whose family is known. A file that does
 *  not tell its family is of the one database of its name whose server it names, or of the only one if it names none.
 *
 *  A copy of a database that was made for tests has its family, too: in one folder both are one. */
export function byDatabase(media: readonly Medium[]): DatabaseMedia[] {
  const byName = new Map<string, Owned[]>();
  for (const medium of media) {
    const owned = ownerOf(medium);
    const key = JSON.stringify(owned.database?.toLowerCase() ?? null);
    const known = byName.get(key);
    if (known === undefined) byName.set(key, [owned]);
    else known.push(owned);
  }
  return [...byName.values()].flatMap(apartFromEachOther);
}

interface Owned {
  readonly medium: Medium;
  readonly database: string | null;
  readonly servers: readonly string[];
  readonly families: readonly string[];
}

interface Group {
  readonly members: Owned[];
  /** In lower case. */
  readonly servers: Set<string>;
  readonly families: Set<string>;
}

function apartFromEachOther(owned: readonly Owned[]): DatabaseMedia[] {
  const groups: Group[] = [];
  for (const one of owned.filter(({ families }) => families.length > 0)) joinFamily(groups, one);
  for (const one of owned.filter(({ families }) => families.length === 0)) joinServer(groups, one);
  const [database = null] = owned.flatMap((one) => one.database ?? []).sort();
  return groups.map(({ members, servers, families }) => {
    const [server = ''] = members.flatMap((one) => one.servers).sort();
    const family = [...families].sort()[0]?.slice(0, FAMILY_CHARACTERS) ?? '';
    const [key = ''] = [...servers].sort();
    const apart = { id: family === '' ? key : family, name: server === '' ? family : server };
    return {
      ...{ database, apart: groups.length === 1 ? { id: '', name: '' } : apart },
      media: members.map(({ medium }) => medium),
    };
  });
}

/** Of an id of 16 bytes in hexadecimal digits. */
const FAMILY_CHARACTERS = 8;

/** A database that was set back to a point in time has kept one of its ids. */
function joinFamily(groups: Group[], one: Owned): void {
  const known = groups.filter(({ families }) => one.families.some((id) => families.has(id)));
  const [first, ...rest] = known;
  if (first === undefined) {
    groups.push(addTo(emptyGroup(), one));
    return;
  }
  addTo(first, one);
  for (const group of rest) {
    groups.splice(groups.indexOf(group), 1);
    for (const member of group.members) addTo(first, member);
  }
}

function joinServer(groups: Group[], one: Owned): void {
  const same = groups.filter(
    ({ servers }) =>
      one.servers.length === 0 || lower(one.servers).some((name) => servers.has(name)),
  );
  if (same.length === 1) addTo(same[0]!, one);
  else groups.push(addTo(emptyGroup(), one));
}

function emptyGroup(): Group {
  return { members: [], servers: new Set(), families: new Set() };
}

/** Its members may be thousands of logs. */
function addTo(group: Group, one: Owned): Group {
  group.members.push(one);
  for (const server of lower(one.servers)) group.servers.add(server);
  for (const id of one.families) group.families.add(id);
  return group;
}

function lower(names: readonly string[]): string[] {
  return names.map((name) => name.toLowerCase());
}

/** Of a file that does not say it its name tells, whoever gave that.
 *
 *  Ola writes an instance as `SERVER$INSTANCE`, and an availability group as `CLUSTER$GROUP`. */
function ownerOf(medium: Medium): Owned {
  const { name, sets, packed } = medium;
  const told = sets.flatMap(({ database }) => database ?? []);
  const own: readonly MtfDatabase[] = told.length > 0 ? told : packed === undefined ? [] : [packed];
  const servers = [...own.map(({ server }) => server), name.server?.replace('$', '\\') ?? ''];
  return {
    medium,
    database: own[0]?.name ?? (name.stem === '' ? null : name.stem),
    servers: [...new Set(servers.filter((one) => one !== ''))],
    families: [...new Set(own.flatMap(({ family }) => family?.split('-') ?? []))],
  };
}
