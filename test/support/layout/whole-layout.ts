import { ALL_ALLOWED } from '../../../src/domain/sources/workload-rules.js';
import { claimFiles, type BackupLayout } from '../../../src/layout/backup-layout.js';
import { fullDisk, fullPoint } from '../../../src/layout/images/full-point.js';
import { settleChains } from '../../../src/layout/images/settle-chains.js';

/** Raw disks `<machine>.whole`, of a type that is copied with its whole repository, without gfs. */
export const wholeLayout: BackupLayout = {
  restoredWith: 'its own tool',
  name: 'whole',
  type: {
    id: 'whole-machine',
    title: 'Whole machines',
    rules: { ...ALL_ALLOWED, wholeSourceOnly: true, allowsGfs: false },
  },
  claim: (names) => claimFiles(names, (name) => name.endsWith('.whole')),
  scan: (_facts, { files }) =>
    Promise.resolve(
      files.map((file) => {
        const name = file.name.slice(0, -'.whole'.length);
        const id = `whole-${name}`;
        const point = fullPoint({
          ...{ id: 'only', workloadId: id, createdAtMs: Date.UTC(2026, 10, 1) },
          ...{ disks: [fullDisk('0', 'raw', file)], companions: [], faults: [] },
          ...{ files: [file], closingRecord: 'silent' },
        });
        return { id, name, restorePoints: settleChains([point]) };
      }),
    ),
};
