import { DATABASE_EVIDENCE } from './database-evidence.js';
import type { LayoutEvidence } from './layout-evidence.js';

const STORES = 'test/unit/layout/stores.test.ts';
const LIVE = 'test/integration/session/live-stores.test.ts';

/** By name of the layout. */
export const TREE_EVIDENCE: Readonly<Record<string, LayoutEvidence>> = {
  storeonce: {
    writtenBy: 'any program, to a NAS share or a mounted Catalyst store of HPE StoreOnce',
    data: 'synthetic',
    judge: 'every file byte for byte, also after kills; no appliance was at hand',
    tests: ['test/unit/mover/tree/mirror.test.ts', 'test/integration/session/trees.test.ts'],
  },
  restic: {
    writtenBy: '`restic`, repository formats 1 and 2',
    data: 'real',
    judge: '`restic check --read-data` (0.14), also after stops and while it is written to',
    tests: [STORES, LIVE],
  },
  borg: {
    writtenBy: '`borg` 1.x',
    data: 'real',
    judge: '`borg check --verify-data` (1.2.4), also after stops and while it is written to',
    tests: [STORES, LIVE],
  },
  kasten: {
    writtenBy: 'export policies of Kasten K10 to a file store (kopia repositories)',
    data: 'synthetic',
    judge: 'SHA-256 of each file',
    tests: [STORES],
  },
  kopia: {
    writtenBy: '`kopia`, repository in a folder',
    data: 'synthetic',
    judge: 'SHA-256 of each file; names as recorded from real repositories',
    tests: [STORES],
  },
  pbs: {
    writtenBy: 'Proxmox Backup Server: datastore',
    data: 'synthetic',
    judge: 'SHA-256 of each file; indexes and chunks after proxmox-backup’s sources',
    tests: [STORES, 'test/integration/mover/datastore-health.test.ts'],
  },
  'dated-tree': {
    writtenBy:
      'rsync-time-backup and scripts around `rsync --link-dest`, with a `backup.marker` or `contents: dated-tree`',
    data: 'synthetic',
    judge: 'SHA-256 of each file',
    tests: [STORES],
  },
  'stream-chain': {
    writtenBy:
      '`zfs send -i`, `-I`, `-R`, `ufsdump` above level 0, with their fulls, and fulls under a date, packed with gzip, zstd or lz4 or not',
    data: 'real',
    judge:
      'guids and dates as `zstreamdump` and `file` tell them (zfs-fuse 0.7, Linux dump 0.4b47); `restore` 0.4b47 of a copied dump and its level 1 (by hand)',
    tests: ['test/unit/layout/stream-chains.test.ts'],
  },
  ...DATABASE_EVIDENCE,
};
