import { streamChainLayout } from './agent-images/stream-chains.js';
import { borgLayout } from './borg/borg.js';
import { datedTreeLayout } from './dated-tree/dated-tree.js';
import { hanaLayout } from './hana/hana.js';
import { kastenLayout, kopiaLayout } from './kopia/kopia.js';
import { mongodumpLayout } from './mongodb/mongodump.js';
import { pbmLayout } from './mongodb/pbm.js';
import { mssqlLayout } from './mssql/mssql.js';
import { pbsLayout } from './pbs/pbs.js';
import { barmanLayout } from './postgres/barman.js';
import { xtraBackupLayout } from './mysql/xtrabackup.js';
import { baseFolderLayout } from './postgres/base-folder.js';
import { pgBackRestLayout } from './postgres/pgbackrest.js';
import { probackupLayout } from './postgres/probackup.js';
import { walgLayout } from './postgres/walg.js';
import { walFolderLayout } from './postgres/wal-folder.js';
import { resticLayout } from './restic/restic.js';
import { redoFolderLayout } from './rman/redo-folder.js';
import { rmanFreeLayout } from './rman/free-folder.js';
import { rmanLayout } from './rman/rman.js';
import { storeOnceLayout } from './storeonce/storeonce.js';
import type { TreeLayout } from './tree-layout.js';

/** Every layout of trees that this release looks for. A new one is a folder here and a row. Those that know their folder by more names stand before
 *  those that know it by fewer. */
export const TREE_LAYOUTS: readonly TreeLayout[] = [
  // The configuration tells it, whatever the names say.
  storeOnceLayout,
  resticLayout,
  borgLayout,
  kastenLayout,
  kopiaLayout,
  pbsLayout,
  datedTreeLayout,
  pbmLayout,
  mongodumpLayout,
  pgBackRestLayout,
  barmanLayout,
  probackupLayout,
  walgLayout,
  walFolderLayout,
  baseFolderLayout,
  xtraBackupLayout,
  hanaLayout,
  rmanLayout,
  rmanFreeLayout,
  redoFolderLayout,
  mssqlLayout,
  streamChainLayout,
];

/** null: this release does not know it. */
export function treeLayoutOf(name: string): TreeLayout | null {
  return TREE_LAYOUTS.find((layout) => layout.name === name) ?? null;
}

/** Whether the files of every tree of this type of backups stand alone (`TreeRules`). */
export function filesStandAlone(typeId: string): boolean {
  const ofType = TREE_LAYOUTS.filter(({ type }) => type.id === typeId);
  return ofType.length > 0 && ofType.every(({ rules }) => rules.filesStandAlone === true);
}
