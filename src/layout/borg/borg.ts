import { FILE_SHARE_RULES } from '../../domain/trees/file-share-rules.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { BORG_HINTS } from './hints.js';
import { stateOfStore } from '../trees/store-state.js';
import { STORE_RULES, wholeFolder, wholeText } from '../trees/store-rules.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

/** Repositories of borg 1: a log in numbered segments `data/<number / 1000>/<number>`, and `integrity.N`, `hints.N`, `index.N` of the last committed
 *  segment N.
 *
 *  A repository is a workload. Which archives it holds is encrypted, so its restore point is the repository as its last transaction left it. Segments
 *  travel ascending: what lies behind the last commit is passed over by borg, and an older `index.N` than the segments is brought up to date
 *  by reading those behind it. A segment that the source has compacted away must not stay: read beside the new ones it would bring back
 *  what was deleted, so nothing that was removed is kept. Only a compaction removes segments, and it commits: one that is missing beside the same `index.N`, or that `hints.N` counts objects in, was lost. `nonce` comes last: it must not be older than what was encrypted. `config`, which may hold
 *  the key, is written anew by each `borg check`, with how far a check of limited time has come.
 *  Source: borg 1.2, internals/data-structures.rst and repository.py; repositories of borg 1.2.4 (docs/COMPATIBILITY.md). */
export const borgLayout: TreeLayout = {
  name: 'borg',
  restoredWith: '`borg extract repository::archive`',
  linesInPlace: ['borg --bypass-lock list {files}', 'borg --bypass-lock extract {files}::ARCHIVE'],
  type: { id: 'borg', title: 'File shares (borg)', rules: FILE_SHARE_RULES },
  rules: {
    ...STORE_RULES,
    classes: [
      {
        ...{ name: 'config', match: /^(?:README|config)$/, content: 'replaced' },
        ...{ opensStore: identityOf, makesStore: true },
      },
      {
        ...{ name: 'segments', match: /^data\/\d+\/\d+$/, content: 'appended', inSequence: true },
        removal: { replaces: /^index\.\d+$/ },
      },
      { name: 'integrity', match: /^integrity\.\d+$/, content: 'replaced' },
      { name: 'hints', match: /^hints\.\d+$/, content: 'replaced' },
      { name: 'index', match: /^index\.\d+$/, content: 'replaced' },
      { name: 'nonce', match: /^nonce$/, content: 'rewritten' },
    ],
    ignored: /^lock\.(?:exclusive\/|roster$)|\.tmp$|^txn\.active$/,
    digestInName: null,
    inUse: BORG_HINTS,
    keepRemovedForDays: 0,
    // A compaction writes anew what is left of many segments.
    suspiciousShare: 0.9,
  },
  claim,
  scan,
};

/** What says which repository it is, and how it is read; the rest are limits, and how far `borg check --max-duration` has come. */
function identityOf(path: string, bytes: Uint8Array): string {
  if (path !== 'config') return '';
  const text = wholeText(path, bytes);
  const lines = text.split('\n').map((line) => line.trimEnd());
  return lines.filter((line) => line !== '' && !OF_WORK.test(line)).join('\n');
}

const OF_WORK =
  /^(?:last_segment_checked|append_only|storage_quota|additional_free_space|max_segment_size)\s*=/;

const TRANSACTION = /^(?:index|hints|integrity)\.\d+$/;

function claim(names: FolderNames): Claim | null {
  const { files, folders } = names;
  const isRepository =
    files.includes('README') &&
    files.includes('config') &&
    folders.includes('data') &&
    files.some((name) => TRANSACTION.test(name));
  return isRepository ? wholeFolder(names) : null;
}

async function scan(reader: TreeReader, folder: string): Promise<FoundTree[]> {
  const indexes = (await reader.list(folder)).filter(
    ({ type, name }) => type === 'file' && /^index\.\d+$/.test(name),
  );
  return [
    {
      id: folderWorkloadId('borg', folder),
      name: folderName('borg', folder),
      root: folder,
      points: stateOfStore(indexes),
    },
  ];
}
