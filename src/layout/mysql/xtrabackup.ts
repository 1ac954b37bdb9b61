import type { FoundTree } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import {
  calledWithoutKind,
  claimFolders,
  confirmFolders,
  confirmItself,
  dateInPathMs,
  isKind,
  isUnderDate,
  readBackups,
  readItself,
  treesByName,
  type BackupFolders,
} from '../trees/backup-folders.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { doubtOfShorter } from '../trees/overwritten.js';
import { claimedTreeFiles } from '../trees/tree-files.js';
import type { OtherLayouts, TreeLayout, TreeReader } from '../tree-layout.js';
import { joinPath } from '../../repository/repository-path.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';
import {
  CLOSING,
  DATA,
  STREAM,
  unnamedStreams,
  xtraPoints,
  type XtraBackup,
} from './xtrabackup-points.js';

/** Backups of MySQL and MariaDB by Percona XtraBackup and mariadb-backup: a folder each, with the files of the server and at last `xtrabackup_checkpoints` and
 *  `xtrabackup_info`; or a stream (`.xbstream`, `.mbstream`, `.xb`), packed or not. Folders are called by a date or by what they are (`full`, `inc1`).
 *  With `--extra-lsndir` the two last files lie beside the stream, whatever that is called, or in a folder that holds nothing else and is no backup.
 *
 *  A workload is what lies in one folder under one name but for dates and such words. An incremental builds on the backup that ended at the position in the redo log (LSN) from which it
 *  begins. A folder is whole with its two last files, a stream when its last chunk closes a file.
 *  Source: see `xtrabackup-info.ts`; folders and a stream that mariadb-backup 10.11 wrote. */
export const xtraBackupLayout: TreeLayout = {
  name: 'xtrabackup',
  restoredWith:
    '`mariadb-backup --prepare --target-dir=full-2026-11-24 --incremental-dir=inc-2026-11-25`, or `xtrabackup` with the same words',
  linesInPlace: [
    'cp -a {files}/. restored/',
    'mariadb-backup --prepare --target-dir=restored/FULL --incremental-dir=restored/INCREMENTAL',
  ],
  type: {
    id: 'mysql-xtrabackup',
    title: 'MySQL and MariaDB (XtraBackup, mariadb-backup)',
    rules: ALL_ALLOWED,
  },
  rules: {
    shape: 'sets',
    classes: [
      {
        name: 'data',
        match: /^(?!(?:.*\/)?(?:xtrabackup|mariadb_backup)_(?:checkpoints|info)(?:\.\w+)*$)/,
        content: 'rewritten',
        isWrittenOnce: isUnderDate,
      },
      {
        name: 'information',
        match: /(?:^|\/)(?:xtrabackup|mariadb_backup)_(?:checkpoints|info)(?:\.\w+)*$/,
        content: 'rewritten',
        isWrittenOnce: isUnderDate,
      },
    ],
    ignored: null,
    digestInName: null,
    openFilesWaitMs: 60_000,
    keepRemovedForDays: 0,
    suspiciousShare: 0.5,
    // What is not packed ends with what the tool writes at its end.
    doubtOfNext: doubtOfShorter((path) => !STREAM.test(path) || /stream$|\.xbs?$/i.test(path)),
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  confirm,
  scan,
};

const FOLDERS: BackupFolders = {
  isNamed: (name) => parseDatedName(name) !== null || isKind(name),
  isBackup: ({ files, folders }) =>
    files.some((name) => CLOSING.test(name)) &&
    (files.some((name) => DATA.test(name) || STREAM.test(name)) ||
      (folders.length === 0 && unnamedStreams(files).length > 0)),
  isWithoutFiles: ({ files }) =>
    files.some((name) => CLOSING.test(name)) && files.some((name) => DATA.test(name)),
  isUnderWay: ({ files }) =>
    files.some((name) => /^(?:ibdata1|xtrabackup_logfile)(?:\.\w+)*$/.test(name)),
  isFile: (name) => STREAM.test(name),
  isOwnName: (name) => OWN_NAME.test(name),
  listed: async (reader, folder, { files, folders }) => {
    // An archive that lies alone beside what tells of it is what they tell of.
    const streams = unnamedStreams(files);
    const isArchived = streams.every((name) => ARCHIVE.test(name));
    const known = new Set<string>(isArchived ? streams : []);
    for (const name of folders) {
      const inIt = await reader.orTell(() => reader.list(joinPath(folder, name)));
      if (inIt === null || inIt.some((entry) => OF_TABLE.test(entry.name))) known.add(name);
    }
    return known;
  },
};

/** What lies in the top of a backup beside the folders of the databases.
 *  Source: what mariadb-backup 10.11 wrote; Percona XtraBackup documentation, index of files created. */
const OWN_NAME =
  /^(?:(?:xtrabackup|mariadb_backup)_\w+|backup-my\.cnf|ib(?:data|_logfile|tmp)\d+|ib_buffer_pool|aria_log(?:_control)?|undo_?\d+|mysql\.ibd|mysql|sys|performance_schema|#innodb_redo)(?:\.\w+)*$/;
const ARCHIVE = /\.(?:tar|tgz)(?:\.\w+)*$/i;
/** Logs of SQL Server are called as files of triggers. */
const OF_TABLE = /^db\.opt$|\.(?:ibd|frm|my[di]|ma[di]|sdi|cs[vm])(?:\.\w+)*$/i;

function claim(names: FolderNames): Claim | null {
  if (FOLDERS.isBackup(names)) return { files: names.files, folders: names.folders };
  const streams = names.files.filter((name) => STREAM.test(name));
  const folders = claimFolders(names, FOLDERS)?.folders ?? [];
  return streams.length + folders.length === 0 ? null : { files: streams, folders };
}

/** Of a claim that is no backup itself no file closes one. */
function isItself({ files }: Claim): boolean {
  return files.some((name) => CLOSING.test(name));
}

async function confirm(
  reader: TreeReader,
  folder: string,
  claimed: Claim,
  others: OtherLayouts,
): Promise<Claim | null> {
  const asked = { kind: FOLDERS, others };
  if (isItself(claimed)) {
    const own = await confirmItself(reader, folder, claimed, asked);
    return FOLDERS.isBackup(own) ? own : null;
  }
  const found = await confirmFolders(reader, folder, claimed.folders ?? [], asked);
  if (found === null) return claimed.files.length === 0 ? null : { files: claimed.files };
  return { files: [...claimed.files, ...found.files], folders: found.folders };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  if (isItself(claimed)) {
    const backup = await readItself(reader, folder, claimed);
    const points = await xtraPoints(reader, [backup]);
    const name = folderName('MySQL', folder);
    const { isAlone, within } = backup;
    const shared = isAlone ? {} : { within };
    return [{ id: folderWorkloadId('xtrabackup', folder), name, root: folder, ...shared, points }];
  }
  const { backups, files } = await readBackups(reader, folder, claimed, FOLDERS);
  const streams = (await claimedTreeFiles(reader, folder, { files })).map((file): XtraBackup => ({
    ...{ name: file.within, createdAtMs: dateInPathMs(file.within.replace(STREAM, '')) },
    ...{ files: [file], within: [file.within], isStream: true },
  }));
  const called = { id: 'xtrabackup', title: 'MySQL' };
  return treesByName(folder, called, [...streams, ...backups], calledAs, (found) =>
    xtraPoints(reader, found),
  );
}

/** Without dates, and without what it is. */
function calledAs({ name, isStream }: XtraBackup): string {
  return calledWithoutKind(isStream === true ? name.replace(STREAM, '') : name);
}
