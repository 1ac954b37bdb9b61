import { FILE_SHARE_RULES } from '../../domain/trees/file-share-rules.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { writtenAtMs } from '../names/named-date.js';
import { pathIn, STORE_RULES, wholeFolder, wholeText } from '../trees/store-rules.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

const INDEX = /^index\/[0-9a-f]{64}$/;

/** Repositories of restic, formats 1 and 2: `config`, `keys/`, `data/<2 hex>/`, `index/`, `snapshots/`, `locks/`.
 *
 *  A repository is a workload and a snapshot a restore point, dated by its file, because what it says of itself is encrypted. Every file but
 *  `config` is named by the SHA-256 of its bytes, so all of it is proven on its way without the password. Packs are written before the index that
 *  lists them, and both before the snapshot. Locks tell that somebody works there, which takes nothing from what is there, and one that a
 *  crash left says nothing at all. A prune writes the index anew, without the packs that it removes then. `config` is written by `init` and by a migration to another format; keys come and go, and one stays.
 *  Source: restic, doc/design.rst; repositories of restic 0.14.0 and 2021 (docs/COMPATIBILITY.md). */
export const resticLayout: TreeLayout = {
  name: 'restic',
  restoredWith: '`restic -r repository restore latest --target /srv`',
  linesInPlace: [
    'restic -r {files} --no-lock check',
    'restic -r {files} --no-lock restore {id} --target restored',
  ],
  type: { id: 'restic', title: 'File shares (restic)', rules: FILE_SHARE_RULES },
  rules: {
    ...STORE_RULES,
    classes: [
      {
        ...{ name: 'config', match: /^config$/, content: 'replaced' },
        ...{ opensStore: wholeText, makesStore: true },
      },
      {
        ...{ name: 'keys', match: /^keys\/[0-9a-f]{64}$/, content: 'immutable' },
        opensStore: wholeText,
      },
      {
        ...{ name: 'data', match: /^data\/(?:[0-9a-f]{2}\/)?[0-9a-f]{64}$/, content: 'immutable' },
        removal: { replaces: INDEX },
      },
      { name: 'index', match: INDEX, content: 'immutable' },
      { name: 'snapshots', match: /^snapshots\/[0-9a-f]{64}$/, content: 'immutable' },
    ],
    // `tmp/` is where early releases wrote. Temporary names: of the local backend, of sftp.
    ignored: /^locks\/|^tmp\/|-tmp-\d+$|-restic-temp-[^/]*$/,
    digestInName: (path) => /\/([0-9a-f]{64})$/.exec(path)?.[1] ?? null,
    pointOf: (path) => /^snapshots\/(.*)$/.exec(path)?.[1]?.slice(0, ID_CHARACTERS) ?? null,
  },
  claim,
  scan,
};

const FOLDERS: readonly string[] = ['data', 'index', 'keys', 'snapshots'];

function claim(names: FolderNames): Claim | null {
  const { files, folders } = names;
  const isRepository = files.includes('config') && FOLDERS.every((name) => folders.includes(name));
  return isRepository ? wholeFolder(names) : null;
}

async function scan(reader: TreeReader, folder: string): Promise<FoundTree[]> {
  const snapshots = (await reader.list(pathIn(folder, 'snapshots'))).filter(
    ({ type, name }) => type === 'file' && /^[0-9a-f]{64}$/.test(name),
  );
  return [
    {
      id: folderWorkloadId('restic', folder),
      name: folderName('restic', folder),
      root: folder,
      points: snapshots.map(pointOf).sort((a, b) => a.createdAtMs - b.createdAtMs),
    },
  ];
}

/** The date is that of the file: restic writes it last, and never again. */
function pointOf(snapshot: RepositoryEntry): TreePoint {
  return {
    id: snapshot.name.slice(0, ID_CHARACTERS),
    createdAtMs: writtenAtMs([snapshot]),
    kind: 'snapshot',
    needs: [],
    state: 'complete',
    reason: null,
    files: null,
  };
}

/** Twice what restic shows; it takes any beginning that is unique. */
const ID_CHARACTERS = 16;
