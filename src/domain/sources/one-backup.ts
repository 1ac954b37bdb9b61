import { UNRECOGNISED_EXAMPLES, type UnrecognisedFiles } from './unrecognised.js';

/** Any folder below one. */
const ANY = /(?:)/;
const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const ULID = '[\\dA-HJKMNP-TV-Z]{26}';
const ROTATED = '(?:alpha|beta|gamma|delta|hourly|daily|weekly|monthly|yearly)\\.\\d+';

/** Tools whose backup lies in many folders: by one that looks like theirs (`OTHER_TOOLS`), with `/` behind it, the folder that is the backup, and which folders
 *  below that are of it. Sources: as there; borgstore 0.1 for borg 2. */
const STORES: readonly (readonly [tool: string, told: RegExp, own: RegExp])[] = [
  [
    'borg 2',
    /^(?<root>(?:.*\/)?)(?:archives|data\/[\da-f]{2}\/[\da-f]{2})\/$/,
    /^(?:archives|cache|config|data|index|keys|locks|packs)\//,
  ],
  [
    'restic or rustic',
    /^(?<root>(?:.*\/)?)(?:data\/[\da-f]{2}|index|keys|snapshots)\/$/,
    /^(?:data|index|keys|locks|snapshots)\//,
  ],
  [
    'PostgreSQL as a copy of its data folder',
    /^(?<root>(?:.*?\/)?)PG_\d+_\d{9}\//,
    /^PG_\d+_\d{9}\//,
  ],
  [
    'Barman',
    /^(?<root>(?:.*?\/)?)(?:base\/\d{8}T\d{6}\/|(?:wals|meta)\/$)/,
    /^(?:base|wals|meta)\//,
  ],
  ['WAL-G', /^(?<root>(?:.*?\/)?basebackups_005\/)/, ANY],
  ['etcd', /^(?<root>(?:.*\/)?)member\/(?:snap|wal)\/$/, /^member\//],
  [
    'Cassandra or ScyllaDB',
    /^(?<root>(?:.*?\/)?)[^/]+\/[^/]+-[\da-f]{32}\//,
    /^[^/]+\/[^/]+-[\da-f]{32}\//,
  ],
  [
    'Prometheus or Thanos',
    new RegExp(`^(?<root>(?:.*?/)?)${ULID}/(?:chunks/)?$`),
    new RegExp(`^${ULID}/`),
  ],
  ['Elasticsearch or OpenSearch', /^(?<root>.*)$/, /^indices\//],
  ['Xen Orchestra', /^(?<root>(?:.*?\/)?xo-(?:vm|config)-backups\/)/i, ANY],
  ['Xen Orchestra', new RegExp(`^(?<root>(?:.*?/)?${UUID}/)vdis/${UUID}/`, 'i'), ANY],
  [
    'a storage domain of oVirt',
    new RegExp(`^(?<root>(?:.*/)?)(?:master/vms|images)/${UUID}/$`, 'i'),
    /^(?:master|images)\//,
  ],
  ['Parallels', /^(?<root>(?:.*?\/)?[^/]+\.(?:pvm|hdd)\/)/i, ANY],
  [
    'Time Machine or another program that writes sparse bundles',
    /^(?<root>(?:.*?\/)?(?:[^/]+\.(?:sparse|backup)bundle|Backups\.backupdb)\/)/i,
    ANY,
  ],
  ['Commvault', /^(?<root>(?:.*?\/)?)CHUNK_\d+\//, /^CHUNK_\d+\//],
  ['Synology Hyper Backup', /^(?<root>(?:.*?\/)?[^/]+\.hbk\/)/i, ANY],
  ['NAKIVO', /^(?<root>(?:.*?\/)?NakivoBackup\/)/, ANY],
  ['rdiff-backup', /^(?<root>(?:.*?\/)?rdiff-backup-data\/)/, ANY],
  ['rsnapshot', new RegExp(`^(?<root>(?:.*?/)?)${ROTATED}/`), new RegExp(`^${ROTATED}/`)],
];

/** Folders of another tool's data within a backup that is a copy of them. */
const COPIED_DATA: readonly (readonly [tool: string, data: string])[] = [
  ['pg_basebackup', 'PostgreSQL as a copy of its data folder'],
  ['XtraBackup or Mariabackup', 'MySQL or MariaDB as a copy of their data folder'],
];

interface Root {
  readonly tool: string;
  readonly own: RegExp;
}

/** The places with each backup that lies in many folders as one: the topmost folder that tells it, with all files below that are of it as far as can be told. What
 *  looks like the backup of another tool stays a place of its own, and so does a folder that is the only one of its backup.
 *  @param treeTools tools by folders that are one backup with everything below them (`toolOfTree`) */
export function asOneBackup(
  places: readonly UnrecognisedFiles[],
  treeTools: ReadonlyMap<string, string>,
): UnrecognisedFiles[] {
  const toolOf = ({ folder, tool }: UnrecognisedFiles) => treeTools.get(folder) ?? tool;
  const roots = rootsOf(places, treeTools);
  const joined = new Map<string, UnrecognisedFiles[]>();
  for (const place of places) {
    const found = rootOf(place.folder, toolOf(place), roots);
    const isApart = place.runBy !== undefined || place.leadsOut || found === null;
    const key = isApart ? `\0${joined.size}` : `${found.folder}\0${found.tool}`;
    const known = joined.get(key);
    if (known === undefined) joined.set(key, [place]);
    else known.push(place);
  }
  return [...joined].map(([key, parts]) => {
    const [folder = '', tool = ''] = key.split('\0');
    return parts.length === 1 ? parts[0]! : joinedPlace(folder, tool, parts);
  });
}

function rootsOf(
  places: readonly UnrecognisedFiles[],
  treeTools: ReadonlyMap<string, string>,
): Map<string, Root[]> {
  const roots = new Map<string, Root[]>();
  const add = (folder: string, root: Root): void => {
    const known = roots.get(folder) ?? [];
    if (known.some(({ tool }) => tool === root.tool)) return;
    roots.set(folder, [...known, root]);
  };
  for (const [folder, tool] of treeTools) add(folder, { tool, own: ANY });
  for (const { folder, tool } of places)
    for (const [ofTool, told, own] of tool === undefined ? [] : STORES) {
      const root = ofTool === tool ? told.exec(withEnd(folder))?.groups?.root : undefined;
      if (root !== undefined) add(root === '' ? '.' : root.slice(0, -1), { tool: ofTool, own });
    }
  return roots;
}

/** The topmost. */
function rootOf(
  folder: string,
  tool: string | undefined,
  roots: ReadonlyMap<string, readonly Root[]>,
): { readonly folder: string; readonly tool: string } | null {
  const path = withEnd(folder);
  for (let end = 0; ; end = path.indexOf('/', end) + 1) {
    const rest = path.slice(end);
    const above = end === 0 ? '.' : path.slice(0, end - 1);
    const isOwn = (root: Root): boolean =>
      // A folder is one place, whatever lies in it.
      rest === '' || (root.own.test(rest) && (tool === undefined || isOf(tool, root.tool)));
    const root = roots.get(above)?.find(isOwn);
    if (root !== undefined) return { folder: above, tool: root.tool };
    if (rest === '') return null;
  }
}

function isOf(tool: string, ofRoot: string): boolean {
  return tool === ofRoot || COPIED_DATA.some(([by, data]) => by === ofRoot && data === tool);
}

function withEnd(folder: string): string {
  return folder === '.' ? '' : `${folder}/`;
}

/** Its examples are paths within it. */
function joinedPlace(
  folder: string,
  tool: string,
  parts: readonly UnrecognisedFiles[],
): UnrecognisedFiles {
  const below = withEnd(folder).length;
  const examples = parts
    .slice(0, UNRECOGNISED_EXAMPLES)
    .flatMap((part) => part.examples.map((name) => `${withEnd(part.folder)}${name}`.slice(below)));
  return {
    ...{ folder, tool, fileCount: parts.reduce((sum, { fileCount }) => sum + fileCount, 0) },
    examples: examples.slice(0, UNRECOGNISED_EXAMPLES),
  };
}
