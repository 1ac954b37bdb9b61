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
 *  What is known of a database always stands in its id: others of its name that come and go must not rename it. */
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
  /** Pairs of ids. */
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
  const untold = owned.filter(({ families }) => families.length === 0);
  for (const one of untold.filter(({ servers }) => servers.length > 0)) joinServer(groups, one);
  joinOnly(
    groups,
    untold.filter(({ servers }) => servers.length === 0),
  );
  const [database = null] = owned.flatMap((one) => one.database ?? []).sort();
  return groups.map((group) => {
    const [server = ''] = group.members.flatMap((one) => one.servers).sort();
    const family = familyOf(group, groups);
    const [key = ''] = [...group.servers].sort();
    return {
      database,
      apart: {
        id: family === '' ? key : family,
        name: groups.length === 1 ? '' : server === '' ? family : server,
      },
      media: group.members.map(({ medium }) => medium),
    };
  });
}

/** The half of their ids that all of a group have: the other changes when a database is restored. A copy of a database has that half, too: beside its original
 *  it has both. */
function familyOf(group: Group, all: readonly Group[]): string {
  const own = commonHalf(group);
  if (own === null) return '';
  const short = own.slice(0, FAMILY_CHARACTERS);
  const isAlone = all.every((other) => other === group || commonHalf(other) !== own);
  if (isAlone || group.families.has(`${own}-${own}`)) return short;
  const [other = ''] = [...group.families]
    .flatMap(halves)
    .filter((half) => half !== own)
    .sort();
  return `${short}-${other.slice(0, FAMILY_CHARACTERS)}`;
}

/** null: no family is known */
function commonHalf({ families }: Group): string | null {
  const pairs = [...families].sort();
  const [first] = pairs;
  if (first === undefined) return null;
  const isOfAll = (half: string): boolean => pairs.every((pair) => halves(pair).includes(half));
  return halves(first).find(isOfAll) ?? halves(first)[0]!;
}

function halves(family: string): string[] {
  return family.split('-');
}

/** Of an id of 16 bytes in hexadecimal digits. */
const FAMILY_CHARACTERS = 8;

/** A database that was set back to a point in time has kept one of its ids, and so has a copy of it that another server runs for tests: only what has
 *  both, or one and the server, is the same. */
function joinFamily(groups: Group[], one: Owned): void {
  const own = one.families.flatMap(halves);
  const known = groups.filter(
    (group) =>
      one.families.some((id) => group.families.has(id)) ||
      (namesServer(group, one) &&
        [...group.families].some((id) => halves(id).some((half) => own.includes(half)))),
  );
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

function namesServer({ servers }: Group, one: Owned): boolean {
  return lower(one.servers).some((name) => servers.has(name));
}

/** Where two databases of one server may be meant it is of neither. */
function joinServer(groups: Group[], one: Owned): void {
  const same = groups.filter((group) => namesServer(group, one));
  const untold = same.find(({ families }) => families.size === 0);
  const group = same.length === 1 ? same[0] : untold;
  if (group === undefined) groups.push(addTo(emptyGroup(), one));
  else addTo(group, one);
}

/** Those that tell nothing are of one database, whichever that is. */
function joinOnly(groups: Group[], all: readonly Owned[]): void {
  if (all.length === 0) return;
  const group = groups.length === 1 ? groups[0]! : emptyGroup();
  for (const one of all) addTo(group, one);
  if (groups.length !== 1) groups.push(group);
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
    families: [...new Set(own.flatMap(({ family }) => family ?? []))],
  };
}
