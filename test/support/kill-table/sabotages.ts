import { parentFolder } from '../../../src/repository/repository-path.js';
import { PostponingRepository, type NameStep } from './postponing-repository.js';
import type { ScenarioName } from './scenarios.js';
import type { Sabotage } from './try-positions.js';

const IMAGE = /\.(?:qcow2|vhdx)$/;
const POINT_FOLDER = /^nightly\/[^/]+\/2026-[^/]+$/;

/** Promises of the data mover, each broken on purpose: the table must show that restore points are lost. */
export const SABOTAGES: readonly {
  readonly name: string;
  readonly scenario: ScenarioName;
  readonly sabotage: Sabotage;
  /** At every how many operations a stop is enough to show it. */
  readonly stride: number;
}[] = [
  {
    name: 'the commit record is not synced before its rename',
    scenario: 'merge in a chain of 2',
    stride: 3,
    sabotage: withoutSync((path) => /\/chain\.json(\.copy)?\.partial$/.test(path)),
  },
  {
    name: 'the folder is not synced after the rename of the commit record',
    scenario: 'merge in a chain of 2',
    stride: 3,
    sabotage: withoutFolderSync((folder) => /^nightly\/[^/]+$/.test(folder)),
  },
  {
    name: 'merged blocks are not synced before the tables that refer to them',
    scenario: 'merge in a chain of 2',
    stride: 3,
    sabotage: withoutSync((path) => /T010000Z\/[^/]+\.qcow2$/.test(path)),
  },
  {
    name: 'copied blocks are not synced before the journal vouches for them',
    scenario: 'copy of a chain of 2',
    stride: 5,
    sabotage: withoutSync((path) => /\/point\/[^/]+\.qcow2$/.test(path)),
  },
  {
    name: 'the names of staged files are not synced before the journal vouches for them',
    scenario: 'copy of a chain of 2',
    stride: 5,
    sabotage: withoutFolderSync((folder) => folder.endsWith('/point')),
  },
  {
    name: 'machine description files are not synced before the commit record lists them',
    scenario: 'copy with machine description files',
    stride: 19,
    sabotage: withoutSync((path) => path.includes('/config/')),
  },
  {
    name: 'the names of the files of a point are not synced before the commit record lists it',
    scenario: 'copy of a chain of 2',
    stride: 2,
    sabotage: withoutFolderSync((folder) => POINT_FOLDER.test(folder)),
  },
  {
    name: 'the commit record lists a point before its files have their names',
    scenario: 'copy of a chain of 2',
    stride: 2,
    sabotage: swapped(
      ({ path }) => POINT_FOLDER.test(parentFolder(path)) && IMAGE.test(path),
      ({ path }) => path.endsWith('/chain.json'),
    ),
  },
  {
    name: 'files of a point are removed before the commit record forgets it',
    scenario: 'delete of a chain',
    stride: 2,
    sabotage: swapped(
      isRecord,
      // Names go in their order, and a digest table alone is no loss.
      ({ kind, path }) => kind === 'remove' && IMAGE.test(path),
      2, // both files of the session that takes the chain over
      2,
    ),
  },
  {
    name: 'a corrupt point is set aside before the commit record forgets it',
    scenario: 'quarantine of what cannot be healed',
    stride: 2,
    sabotage: swapped(
      isRecord,
      ({ kind, path }) => kind === 'rename' && path.includes('/.quarantine/'),
      4, // both files of the session that takes the chain over and of the marks
      2,
    ),
  },
];

/** Either file of the commit record: each is the record when the other is older. */
function isRecord({ path }: NameStep): boolean {
  return path.endsWith('/chain.json') || path.endsWith('/chain.json.copy');
}

function withoutSync(sync: (path: string) => boolean): Sabotage {
  return { options: { disable: { sync } } };
}

function withoutFolderSync(syncFolder: (folder: string) => boolean): Sabotage {
  return { options: { disable: { syncFolder } } };
}

function swapped(
  isHeldBack: (step: NameStep) => boolean,
  isAwaited: (step: NameStep) => boolean,
  passed = 0,
  heldBack = 1,
): Sabotage {
  return {
    wrap: (repository) =>
      new PostponingRepository(repository, isHeldBack, isAwaited, passed, heldBack),
  };
}
