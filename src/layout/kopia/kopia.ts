import { FILE_SHARE_RULES } from '../../domain/trees/file-share-rules.js';
import type { FoundTree } from '../../domain/trees/source-tree.js';
import { ALL_ALLOWED } from '../../domain/sources/workload-rules.js';
import type { TreeRules } from '../../domain/trees/tree-rules.js';
import type { RepositoryEntry } from '../../repository/backup-repository.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { stateOfStore } from '../trees/store-state.js';
import { STORE_RULES, wholeFolder, wholeText } from '../trees/store-rules.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';
import { folderName, folderWorkloadId } from '../names/workload-id.js';

const MAINTENANCE = /^kopia\.maintenance(?:\.f)?$/;
const INDEX = /^[nx][0-9a-z/_-]+(?:\.f)?$/;

/** Repositories of kopia in a folder. Every blob is a file `<name>.f`, appearing whole; its name begins with what it is (`p`, `q`: packs;
 *  `n`, `x`: indexes; `s`: sessions under way; `_log_`: logs) and is cut into folders as `.shards` says (`p00/003/…`, `p03/…`, flat).
 *
 *  A repository is a workload. Which snapshots it holds is encrypted: manifests lie in `q` packs. Its restore point is therefore the repository as its
 *  newest index shows it, because kopia writes packs first and then the index that lists them. Names are no digests of the files. Maintenance alone removes
 *  packs, and enters each of its runs into `kopia.maintenance`, at its beginning and behind each of its tasks. What
 *  `kopia.repository` and its neighbours hold changes with a new password, other parameters or an upgrade alone.
 *  Source: kopia, repo/blob/sharded and repo/content; listings of real repositories, no repository was at hand (docs/COMPATIBILITY.md). */
export const kopiaLayout: TreeLayout = {
  name: 'kopia',
  restoredWith: '`kopia repository connect filesystem --path repository`, `kopia restore`',
  linesInPlace: [
    'kopia repository connect filesystem --path {files} --readonly',
    'kopia snapshot list --all',
    'kopia restore SNAPSHOT restored',
  ],
  type: { id: 'kopia', title: 'File shares (kopia)', rules: FILE_SHARE_RULES },
  rules: kopiaRules(),
  claim,
  scan: (reader, folder) => scan(reader, folder, 'kopia'),
};

/** Exports of Kasten K10: policies write each application into kopia repositories of a location profile, below a folder `k10`.
 *  Source: docs.kasten.io, usage/configuration. */
export const kastenLayout: TreeLayout = {
  name: 'kasten',
  restoredWith: 'Kasten K10: import policy',
  type: {
    id: 'kasten',
    title: 'Kubernetes (Kasten K10 exports)',
    rules: { ...ALL_ALLOWED, allowsGfs: false, retentionByDaysOnly: true },
  },
  rules: kopiaRules(),
  claim: (names) => (/(?:^|\/)k10(?:\/|$)/.test(names.folder) ? claim(names) : null),
  scan: (reader, folder) => scan(reader, folder, 'kasten'),
};

function kopiaRules(): TreeRules {
  return {
    ...STORE_RULES,
    classes: [
      {
        name: 'format',
        match: /^(?:kopia\.repository(?:\.f)?|kopia\.blobcfg(?:\.f)?|\.shards|\.storageconfig)$/,
        content: 'replaced',
        ...{ opensStore: wholeText, makesStore: true },
      },
      {
        ...{ name: 'packs', match: /^[pq][0-9a-z/_-]+(?:\.f)?$/, content: 'immutable' },
        removal: { replaces: INDEX, rewrites: MAINTENANCE },
      },
      { name: 'indexes', match: INDEX, content: 'immutable' },
      { name: 'logs', match: /^_[0-9a-z/_-]+(?:\.f)?$/, content: 'immutable' },
      { name: 'maintenance', match: MAINTENANCE, content: 'replaced' },
    ],
    // A session marks packs that no index lists yet: it is for the process that writes it.
    ignored: /^s[0-9a-z/_-]+(?:\.f)?$|\.tmp\.[^/]*$/,
    digestInName: null,
  };
}

function claim(names: FolderNames): Claim | null {
  const { files } = names;
  const isRepository = files.some((name) => /^kopia\.repository(?:\.f)?$/.test(name));
  return isRepository ? wholeFolder(names) : null;
}

async function scan(reader: TreeReader, folder: string, platform: string): Promise<FoundTree[]> {
  return [
    {
      id: folderWorkloadId(platform, folder),
      name: folderName(platform, folder),
      root: folder,
      points: stateOfStore(await indexesIn(reader, folder)),
    },
  ];
}

/** Folders of other blobs are not entered: those of packs hold nearly all files. */
async function indexesIn(reader: TreeReader, root: string): Promise<RepositoryEntry[]> {
  const found: RepositoryEntry[] = [];
  const waiting = (await reader.list(root)).filter(({ name }) => /^[nx]/.test(name));
  for (let entry = waiting.pop(); entry !== undefined; entry = waiting.pop())
    if (entry.type === 'folder')
      for (const within of await reader.list(entry.path)) waiting.push(within);
    else if (INDEX.test(root === '' ? entry.path : entry.path.slice(root.length + 1)))
      found.push(entry);
  return found;
}
