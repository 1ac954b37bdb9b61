import { beforeAll, describe, expect, it } from 'vitest';
import { faultsOfDigests, readShownPoints } from '../../support/kill-table/read-points.js';
import type { ScenarioName } from '../../support/kill-table/scenarios.js';
import {
  damaged,
  DAMAGES,
  filesBelow,
  outcomeOf,
  stoppedBefore,
  type Stopped,
} from '../../support/kill-table/stopped-work.js';
import { keepAnswer, keptAnswer } from '../../../src/mover/staging/kept-answers.js';
import {
  DISCARD_STAGING_ID,
  MARK_STAGING_ID,
  TAKE_STAGING_ID,
} from '../../../src/domain/targets/staging-id.js';
import { CopiedMachine } from '../../support/living/copied-machine.js';
import { MachineRestore } from '../../support/living/machine-restore.js';
import {
  SimulatedRepository,
  type StorageOperation,
} from '../../support/repository/simulated-repository.js';

interface Row {
  readonly name: ScenarioName;
  readonly place: string;
  readonly isThere: (operation: StorageOperation) => boolean;
  /** Of the staging folder that this is about. */
  readonly staging: RegExp;
  /** Ends of the names of files in it. */
  readonly files: readonly string[];
}

const ROWS: readonly Row[] = [
  {
    name: 'merge in a chain of 2',
    place: 'once the merged file has its name, and its digests not',
    isThere: ({ kind, path }) => kind === 'rename' && /-merge\/.*\.digests$/.test(path),
    staging: /-merge\//,
    files: ['.digests', '.merged.json'],
  },
  {
    name: 'synthetic full and delete instead of a merge',
    place: 'before the full takes the place of what it is made of',
    isThere: ({ kind, path }) => kind === 'rename' && /-full\/point\/.*\.qcow2$/.test(path),
    staging: /-full\//,
    files: ['plan.json', 'composed.json', '.digests'],
  },
  {
    name: 'heal of damaged blocks',
    place: 'before the notes of a check go',
    isThere: ({ kind, path }) => kind === 'remove' && path.includes('/.staging/verify-'),
    staging: /\/verify-/,
    files: ['scan.json', '.journal'],
  },
  {
    name: 'heal of damaged blocks',
    place: 'before a block is healed',
    isThere: ({ kind, path }) => kind === 'write' && /\/2026-[^/]+\/[^/]+\.qcow2$/.test(path),
    staging: /\/heal-/,
    files: ['unit'],
  },
  {
    name: 'quarantine of what cannot be healed',
    place: 'before a point is set aside',
    isThere: ({ kind, to }) => kind === 'rename' && to?.includes('/.quarantine/') === true,
    staging: /\/mark\//,
    files: ['plan.json'],
  },
];

/** What other work than copies has left beside a chain: one file of it is damaged, and the work is done again. */
describe.each(ROWS)('a $name that is stopped $place', ({ name, isThere, staging, files }) => {
  let stopped: Stopped;
  let staged: string[];
  beforeAll(async () => {
    stopped = await stoppedBefore(name, (operations) => operations.find(isThere));
    staged = stopped.files.filter((path) => path.includes('/.staging/') && staging.test(path));
  });

  it('leaves the files that this is about', () => {
    const found = files.filter((end) => staged.some((path) => path.endsWith(end)));
    expect(found, staged.join('\n')).toEqual(files);
  });

  it.each(Object.entries(DAMAGES))('ends as if nothing was, whichever is %s', async (_, damage) => {
    const wrong: unknown[] = [];
    for (const path of staged) {
      // What a full shows is proven where it is composed, and by health checks.
      if (path.endsWith('.qcow2') || path.endsWith('.tables')) continue;
      const target = await damaged(stopped, path, damage);
      const outcome = await outcomeOf(stopped, target, 2);
      const { shown, faults } = await readShownPoints(target, stopped.scenario);
      const unproven = await faultsOfDigests(target, stopped.scenario);
      if (outcome !== 'well' || shown.join() !== stopped.all.join())
        wrong.push({ path, outcome, shown });
      if (faults.length + unproven.length > 0) wrong.push({ path, faults, unproven });
    }
    expect(wrong).toEqual([]);
  });
});

describe.each(Object.entries(DAMAGES))('%s', (_, damage) => {
  it.each([TAKE_STAGING_ID, DISCARD_STAGING_ID, MARK_STAGING_ID])(
    'an answer that was kept beside a chain tells less, and is kept anew (%s)',
    async (step) => {
      const target = new SimulatedRepository('offsite');
      const kept = { token: 'call', answer: ['first'] };
      await keepAnswer(target, 'nightly/web01', step, kept);
      const path = `nightly/web01/.staging/${step}/plan.json`;
      const worse = await damaged({ target }, path, damage);
      expect(await keptAnswer(worse, 'nightly/web01', step, 'call')).toBeNull();
      await keepAnswer(worse, 'nightly/web01', step, kept);
      expect(await keptAnswer(worse, 'nightly/web01', step, 'call')).toEqual(['first']);
    },
  );
});

/** What was written into the disk is vouched for by the list of its windows alone. */
describe('a raw restore that was stopped', () => {
  let machine: CopiedMachine;
  beforeAll(async () => {
    machine = await CopiedMachine.make({ later: () => Promise.resolve() });
  });

  it.each(Object.entries(DAMAGES))(
    'gives the disk bit for bit, whichever of its notes is %s',
    async (_, damage) => {
      const stopped = new MachineRestore(await machine.copy(), 'raw');
      await stopped.write();
      const target = stopped.folder;
      const notes = (await filesBelow(target, stopped.staging)).filter(
        (path) => !path.endsWith('.raw'),
      );
      expect(notes.map((path) => path.slice(path.lastIndexOf('/') + 1))).toContain('plan.json');
      for (const path of notes) {
        const folder = await damaged({ target }, path, damage);
        const again = new MachineRestore(await machine.copy(), 'raw', {}, folder);
        await again.write();
        const [disk] = await again.finish();
        expect((await again.bytes(disk!)).equals(machine.disk(3)), path).toBe(true);
      }
    },
  );
});
