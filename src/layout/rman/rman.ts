import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { namesOf, type NamesIn } from '../names/names-in.js';
import { LOGS_BEFORE_FULL_MS, PLUG_IN_RULES } from '../trees/database-rules.js';
import { claimedTreeFiles, filesBelow, type TreeFile } from '../trees/tree-files.js';
import { ownPart } from '../trees/own-part.js';
import type { OtherLayouts, TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { oracleFiles } from './oracle-files.js';
import { areaPoints } from './rman-area.js';
import { freePoints } from './rman-free.js';
import {
  autobackupAtMs,
  freeAutobackup,
  isControlLike,
  isFreePiece,
  isPieceAmongOthers,
  isPieceLike,
  parseArchivedLog,
  parseOmfPiece,
} from './rman-names.js';
import { joinPath } from '../../repository/repository-path.js';

const TYPE: WorkloadTypeFacts = {
  id: 'oracle-rman',
  title: 'Oracle (RMAN)',
  rules: PLUG_IN_RULES,
};

const RULES: TreeRules = {
  shape: 'sets',
  classes: [
    { name: 'logs', match: /(?:^|\/)o1_mf_\d+_\d+_[0-9a-z]{8}_\.arc$/i, content: 'immutable' },
    // What knows of the pieces stands behind them.
    {
      name: 'pieces',
      match:
        /^(?!(?:.*\/)?(?:o1_mf_[sn]_\d+_[0-9a-z]{8}_\.bkp|(?:(?:[^/]+[_-])?c-\d+|[^/]+c-\d{8,10})-\d{8}-[0-9a-f]{2}(?:\.[a-z]{1,5})?)$)/i,
      content: 'immutable',
    },
    { name: 'autobackups', match: /(?:)/, content: 'immutable' },
  ],
  // The database’s own files, which lie in the area, too.
  ignored: /^(?:onlinelog|controlfile|flashback)\/|(?:^|\/)snapcf_[^/]*$/i,
  digestInName: null,
  openFilesWaitMs: 60_000,
  keepRemovedForDays: 0,
  logsBeforeFullMs: LOGS_BEFORE_FULL_MS,
  suspiciousShare: 0.5,
  keeps: { modes: true, times: true, links: false },
};

const AREA_FOLDER = /^(?:backupset|autobackup|archivelog)$/i;
/** What else Oracle makes beside them; of a pluggable database, a folder named after its GUID. `datafile` is nobody's: who looks for unknown
 *  files finds image copies in it. */
const OTHER_FOLDER = /^(?:onlinelog|controlfile|flashback|[0-9A-F]{32})$/i;

/** The fast recovery area of one database: `backupset/<day>/`, `autobackup/<day>/`, `archivelog/<day>/`, and the same below the GUID of each pluggable
 *  database. A workload is a database; a restore point what one command of RMAN wrote under one tag, or an archived log. Names tell levels, tags
 *  and sequences; the pieces themselves are not read.
 *
 *  Image copies of data files (`datafile/`) are not copied, and named: their names do not part them from files that a database has open, and `RECOVER COPY`
 *  writes them anew in place, so no point has what they held. */
export const rmanLayout: TreeLayout = {
  name: 'rman',
  type: TYPE,
  rules: RULES,
  claim: ({ folders }: FolderNames): Claim | null =>
    folders.some((name) => AREA_FOLDER.test(name))
      ? {
          files: [],
          folders: folders.filter((name) => AREA_FOLDER.test(name) || OTHER_FOLDER.test(name)),
        }
      : null,
  confirm: async (reader, folder, claimed) =>
    (await areaFiles(reader, folder, claimed)).some(({ name }) => isAreaName(name))
      ? claimed
      : null,
  scan: async (reader, folder, claimed): Promise<FoundTree[]> => [
    {
      id: folderWorkloadId('rman', folder),
      name: folderName('Oracle', folder),
      root: folder,
      points: areaPoints(await areaFiles(reader, folder, claimed)),
    },
  ],
  // Control files and parameter files of runs that are gone.
  isSpare: (name) => {
    const kind = parseOmfPiece(name)?.kind;
    return autobackupAtMs(name) !== null || kind === 'control' || kind === 'parameters';
  },
};

async function areaFiles(reader: TreeReader, folder: string, { folders = [] }: Claim) {
  const files: TreeFile[][] = [];
  for (const name of folders) {
    const isPdb = /^[0-9A-F]{32}$/i.test(name);
    if (AREA_FOLDER.test(name)) files.push(await filesBelow(reader, folder, name));
    for (const { name: within } of isPdb ? await reader.list(joinPath(folder, name)) : [])
      if (AREA_FOLDER.test(within))
        files.push(await filesBelow(reader, folder, `${name}/${within}`));
  }
  return files.flat();
}

function isAreaName(name: string): boolean {
  return (
    parseOmfPiece(name) !== null || autobackupAtMs(name) !== null || parseArchivedLog(name) !== null
  );
}

/** Where configurations put control files, beside the folders of the pieces. */
const CONTROL_FOLDER = /^(?:control_?files?|ctl(?:_?files?)?|cf|(?:cf_?)?auto_?backups?)$/i;

/** A folder of pieces with names of free formats, known by the autobackups of the control file among them (`c-<database id>-<day>-<number>`, which is
 *  `%F`), or by a control file that is called so beside pieces. Where autobackups and pieces have folders of their own, the folder above these is the database. */
export const rmanFreeLayout: TreeLayout = {
  name: 'rman-free',
  type: TYPE,
  rules: RULES,
  claim: ({ files, folders }: FolderNames): Claim | null => {
    const own = files.some((name) => freeAutobackup(name) !== null)
      ? files.filter(isFreeName)
      : piecesAmongOthers(files);
    if (own.length === 0 && !folders.some((name) => CONTROL_FOLDER.test(name))) return null;
    return { files: own, folders };
  },
  confirm: confirmFree,
  scan: async (reader, folder, claimed): Promise<FoundTree[]> => {
    const all = await claimedTreeFiles(reader, folder, claimed);
    const files = all.filter(({ name }) => isFreeName(name));
    const ids = new Set(files.flatMap(({ name }) => freeAutobackup(name)?.databaseId ?? []));
    const name = folderName('Oracle', folder);
    return [
      {
        id: folderWorkloadId('rman-free', folder),
        name: ids.size === 0 ? name : `${name} (database ${[...ids].join(', ')})`,
        root: folder,
        within: files.map(({ within }) => within),
        points: freePoints(files),
      },
    ];
  },
};

/** A word in one name does not make all that lies there Oracle's: it may be a folder of anything. */
function piecesAmongOthers(files: readonly string[]): string[] {
  const own = files.filter(isPieceAmongOthers);
  const hasPieces = own.some((name) => isPieceLike(name) && !isControlLike(name));
  return hasPieces && own.some(isControlLike) ? own : [];
}

function isFreeName(name: string): boolean {
  return freeAutobackup(name) !== null || isFreePiece(name);
}

/** Whether a name is of nobody but RMAN, in a folder of its pieces: what others know as theirs under any other is theirs. */
function isSurePiece(name: string): boolean {
  if (COPY_OF_DATA_FILE.test(name)) return true;
  return freeAutobackup(name) !== null || isPieceLike(name) || isControlLike(name);
}

/** `%U` of a copy of a data file. Source: RMAN reference, formatSpec. */
const COPY_OF_DATA_FILE = /(?:^|_)D-\w+_I-\d+_/;

/** Folders of autobackups alone go with those of pieces alone. One that has both is a database of its own, and so is one of autobackups that no pieces lie
 *  beside. */
async function confirmFree(
  reader: TreeReader,
  folder: string,
  { files: named, folders = [] }: Claim,
  others: OtherLayouts,
): Promise<Claim | null> {
  const listed = (_: TreeReader, path: string, names: NamesIn) =>
    oracleFiles(reader, path, names.files);
  const kind = { isOwnName: isSurePiece, listed, others };
  const left = await ownPart(reader, folder, { files: named, folders: [] }, kind);
  const files = left?.files ?? named;
  const [controls, pieces]: [string[], string[]] = [[], []];
  for (const name of folders) {
    const own = (await reader.orTell(() => reader.list(joinPath(folder, name)))) ?? [];
    const hasControl = own.some((entry) => freeAutobackup(entry.name) !== null);
    const hasPieces = own.some((entry) => entry.type === 'file' && isPieceLike(entry.name));
    if (hasControl && !hasPieces) controls.push(name);
    if (hasPieces && !hasControl) pieces.push(name);
  }
  const isWithAutobackups = files.some((name) => freeAutobackup(name) !== null);
  const isWithPieces = files.some(isPieceLike);
  const joined = [
    ...(pieces.length > 0 || isWithPieces ? controls : []),
    ...(controls.length > 0 || isWithAutobackups ? pieces : []),
  ].sort();
  if (joined.length === 0) return files.length === 0 ? null : { files };
  const claim = { files: [...files], folders: [] as string[] };
  for (const name of joined) {
    const path = joinPath(folder, name);
    const own = await ownPart(reader, path, namesOf(await reader.list(path)), kind);
    if (own === null) claim.folders.push(name);
    for (const file of own?.files ?? []) claim.files.push(`${name}/${file}`);
    for (const within of own?.folders ?? []) claim.folders.push(`${name}/${within}`);
  }
  return claim;
}
