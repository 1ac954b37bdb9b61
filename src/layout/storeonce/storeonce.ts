import { ALL_ALLOWED, type WorkloadRules } from '../../domain/sources/workload-rules.js';
import { modifiedAtMs } from '../../domain/file-stamp.js';
import type { FoundTree, TreePoint } from '../../domain/trees/source-tree.js';
import type { Claim, FolderNames } from '../backup-layout.js';
import { wholeFolder } from '../trees/store-rules.js';
import { filesBelow, type TreeFile } from '../trees/tree-files.js';
import type { TreeLayout, TreeReader } from '../tree-layout.js';

/** A NAS share or a mounted Catalyst store of HPE StoreOnce, copied as a whole, file by file, whatever its files are. Nothing in it tells that it is
 *  one, so the configuration does (`contents: storeonce`).
 *  Source: VBR user guide, `backup_copy_hpe_storeonce`, `bc_hpe_storeonce_maintenance_settings`. */
export const storeOnceLayout: TreeLayout = {
  name: 'storeonce',
  restoredWith: 'the program that wrote to the appliance',
  type: { id: 'hpe-storeonce', title: 'HPE StoreOnce', rules: mirrorRules() },
  rules: {
    shape: 'store',
    classes: [
      {
        name: 'files',
        match: /^(?!(?:.*\/)?(?:chain|tree|job)\.json(?:\.copy)?$)/,
        content: 'immutable',
      },
      // Where another mirror writes: what is committed there refers to files.
      { name: 'records', match: /./, content: 'replaced' },
    ],
    // Of Longhaul itself, where the appliance is a target, too; of the appliance and of clients that look at the share.
    ignored:
      /^\.longhaul\/|(?:^|\/)\.(?:staging|leases)\/|^(?:lost\+found|\.snapshot|\.snapshots)\/|(?:^|\/)\.nfs[0-9a-f]{8,}$/,
    digestInName: null,
    openFilesWaitMs: 'settle',
    keepRemovedForDays: 21,
    isOpaque: true,
    isPartial: true,
    suspiciousShare: 0.5,
    keeps: { modes: true, times: true, links: false },
  },
  claim,
  scan,
};

function mirrorRules(): WorkloadRules {
  return {
    ...ALL_ALLOWED,
    job: 'mirror',
    wholeSourceOnly: true,
    allowsGfs: false,
    retentionByDaysOnly: true,
  };
}

function claim(names: FolderNames): Claim | null {
  return names.isOpaque === true && names.folder === '' ? wholeFolder(names) : null;
}

async function scan(reader: TreeReader): Promise<FoundTree[]> {
  const { ignored } = storeOnceLayout.rules;
  const files = (await filesBelow(reader, '', '')).filter(
    ({ within }) => ignored?.test(within) !== true,
  );
  const id = `storeonce-${reader.repositoryId}`;
  return [{ id, name: reader.repositoryId, root: '', points: statesOf(files) }];
}

/** By how much a state may be older than the newest file, so that some state is of files that are closed, however busy the share. */
const STEPS_MS = [0, 1, 5, 15, 60, 240, 1_440, 10_080].map((minutes) => minutes * 60_000);

/** States that the share went through, oldest first: each is all files that were written up to a time. Which of them are closed by now depends on the
 *  time of the look; the newest of these is the one that counts. What is no longer there, or came with an old date, makes another state. */
function statesOf(files: readonly TreeFile[]): TreePoint[] {
  const byAge = files
    .map(({ stamp }) => ({ atMs: modifiedAtMs(stamp), sizeBytes: stamp.sizeBytes }))
    .sort((a, b) => a.atMs - b.atMs);
  const newestMs = byAge.at(-1)?.atMs ?? 0;
  const ends = new Set<number>();
  for (const step of STEPS_MS) {
    const end = byAge.findLastIndex(({ atMs }) => atMs <= newestMs - step);
    if (end >= 0) ends.add(end);
  }
  return [...ends]
    .sort((a, b) => a - b)
    .map((end) => {
      const createdAtMs = byAge[end]!.atMs;
      const sizeBytes = byAge.slice(0, end + 1).reduce((sum, file) => sum + file.sizeBytes, 0);
      const id = `${new Date(createdAtMs).toISOString()}, ${end + 1} files, ${sizeBytes} bytes`;
      return {
        ...{ id, createdAtMs, kind: 'snapshot', needs: [], files: null, sizeBytes },
        ...{ state: 'complete', reason: null },
        evidence: { closing: 'silent', changedAtMs: createdAtMs, files: id },
      };
    });
}
