import { FILE_SHARE_RULES } from '../../domain/trees/file-share-rules.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { parseDatedName } from '../names/dated-name.js';
import { STORE_RULES, wholeFolder } from '../trees/store-rules.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderChanges } from './folder-changes.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

/** Plain copies of a file share, a folder for each date, files that did not change being hard links: what `rsync --link-dest` makes.
 *
 *  Folders with dates hold backups of other tools, too, so they are taken only where a file `backup.marker` beside them says that they are this (rsync-time-backup
 *  makes it), and then with all that lies beside them, or where the configuration of the repository does (`contents: dated-tree`), which says nothing of what lies beside
 *  them: that is left. `backup.inprogress` tells that the newest folder is being written; without it that folder is whole when nothing in it has changed for a while.
 *  Source: laurent22/rsync-time-backup; trees made by hand (docs/COMPATIBILITY.md). */
export const datedTreeLayout: TreeLayout = {
  name: 'dated-tree',
  restoredWith: '`rsync -aH 2026-11-24/ /srv/share/`',
  linesInPlace: ['rsync -a {files}/{id}/ restored/'],
  type: { id: 'dated-tree', title: 'File shares (dated folders)', rules: FILE_SHARE_RULES },
  rules: {
    ...STORE_RULES,
    classes: [
      // Each new folder of links moves the change times of all files that it shares.
      { name: 'files', match: /\//, content: 'immutable' },
      { name: 'marker', match: /^backup\.marker$/, content: 'replaced', isOfNoPoint: true },
    ],
    // The second where the tree is a disk.
    ignored: /^backup\.inprogress$|^lost\+found\//,
    digestInName: null,
    pointOf: (path) => /^[^/]+(?=\/)/.exec(path)?.[0] ?? null,
    isPointId: (name) => pointOf(name).length > 0,
    isPartial: true,
    filesStandAlone: true,
    keeps: { modes: true, times: true, links: true },
  },
  claim,
  scan,
};

const MARKER = 'backup.marker';
const IN_PROGRESS = 'backup.inprogress';

function claim(names: FolderNames): Claim | null {
  const { files, folders, isDated } = names;
  if (files.includes(MARKER)) return wholeFolder(names);
  const dates = isDated === true ? folders.filter((name) => pointOf(name).length > 0) : [];
  if (dates.length === 0) return null;
  return {
    files: files.filter((name) => name === IN_PROGRESS),
    folders: dates,
    leavesHidden: true,
  };
}

async function scan(reader: TreeReader, folder: string, claimed: Claim): Promise<FoundTree[]> {
  const within = claimed.files.includes(MARKER) ? null : (claimed.folders ?? []);
  const entries = await reader.list(folder);
  const points = entries
    .filter(({ type, name }) => type === 'folder' && (within === null || within.includes(name)))
    .flatMap(({ name }) => pointOf(name))
    .sort((a, b) => a.createdAtMs - b.createdAtMs);
  const newest = points.at(-1);
  if (newest !== undefined) {
    const isWritten = entries.some(({ name }) => name === IN_PROGRESS);
    const reason = `${IN_PROGRESS} says that it is being written`;
    const entry = entries.find(({ name }) => name === newest.id)!;
    points.splice(-1, 1, {
      ...newest,
      ...(isWritten
        ? { state: 'inProgress', reason }
        : { evidence: await folderChanges(reader, entry) }),
    });
  }
  return [
    {
      id: folderWorkloadId('dated-tree', folder),
      name: folderName('dated-tree', folder),
      root: folder,
      ...(within === null ? {} : { within }),
      points,
    },
  ];
}

/** A folder whose name is a date and nothing else. */
function pointOf(name: string): TreePoint[] {
  const dated = parseDatedName(name);
  if (dated === null || dated.stem !== '') return [];
  return [
    {
      id: name,
      createdAtMs: dated.createdAtMs,
      kind: 'snapshot',
      needs: [],
      state: 'complete',
      reason: null,
      files: null,
    },
  ];
}
