import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { WorkloadTypeFacts } from '../../domain/sources/workload-rules.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { LOGS_BEFORE_FULL_MS, PLUG_IN_RULES } from '../trees/database-rules.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import { areaPoints } from './rman-area.js';
import { autobackupAtMs, parseArchivedLog, parseOmfPiece } from './rman-names.js';
import { joinPath } from '../../repository/repository-path.js';

export const RMAN_TYPE: WorkloadTypeFacts = {
  id: 'oracle-rman',
  title: 'Oracle (RMAN)',
  rules: PLUG_IN_RULES,
};

export const RMAN_RULES: TreeRules = {
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
  restoredWith: '`rman`: `CATALOG START WITH`, `RESTORE DATABASE`',
  linesInPlace: [
    `echo "CATALOG START WITH '"{files}"/' NOPROMPT;" | rman target /`,
    'echo "RESTORE DATABASE; RECOVER DATABASE;" | rman target /',
  ],
  type: RMAN_TYPE,
  rules: RMAN_RULES,
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
