import { beforeAll, describe, expect, it } from 'vitest';
import { pointFolders } from '../../../src/chain/chain-store.js';
import { readShownPoints } from '../../support/kill-table/read-points.js';
import {
  damaged,
  DAMAGES,
  outcomeOf,
  stoppedBefore,
  type Stopped,
} from '../../support/kill-table/stopped-work.js';
import type { StorageOperation } from '../../support/repository/simulated-repository.js';

/** Every file of a target in which work was stopped is damaged in every way, one at a time, and the next session runs: it ends well or with
 *  an error that has a code, and what was committed is still there. */

describe.each([
  {
    name: 'copy of a chain of 2' as const,
    place: 'before its second point gets its name',
    isLast: ({ kind, path }: StorageOperation) =>
      kind === 'makeFolder' && /^nightly\/[^/]+\/2026-[^/]+$/.test(path),
    staged: ['plan.json', 'composed.json', '.blocks', '.zeros', '.journal'],
  },
  {
    name: 'copy by digests' as const,
    place: 'before a finished comparison becomes a plan',
    isLast: ({ kind, to }: StorageOperation) =>
      kind === 'rename' && to?.endsWith('/plan.json') === true,
    staged: ['scan.json', '.windows', '.compared'],
  },
])('a $name that is stopped $place', ({ name, isLast, staged }) => {
  let stopped: Stopped;
  beforeAll(async () => {
    stopped = await stoppedBefore(name, (operations) => operations.findLast(isLast));
  });

  it('leaves the files that this is about', () => {
    expect(stopped.committed.length).toBeGreaterThan(0);
    expect(stopped.all.length).toBe(stopped.committed.length + 1);
    for (const end of ['chain.json', 'chain.json.copy', '.qcow2', '.digests', '.tables', ...staged])
      expect(stopped.files.filter((path) => path.endsWith(end))).not.toEqual([]);
  });

  it.each(Object.entries(DAMAGES))(
    'goes on, whichever staged JSON or list is %s',
    async (_, damage) => {
      const wrong: unknown[] = [];
      for (const path of stopped.files.filter((file) => file.includes('/.staging/'))) {
        if (path.includes('/point/')) continue; // judged below: what a health check would find
        const target = await damaged(stopped, path, damage);
        const outcome = await outcomeOf(stopped, target, 2);
        const reading = await readShownPoints(target, stopped.scenario);
        if (
          outcome !== 'well' ||
          reading.faults.length > 0 ||
          reading.shown.length !== stopped.all.length
        )
          wrong.push({ path, outcome, reading });
      }
      expect(wrong).toEqual([]);
    },
  );

  it.each(Object.entries(DAMAGES))(
    'ends well or with a code, whichever file is %s',
    async (_, damage) => {
      const wrong: unknown[] = [];
      for (const path of stopped.files) {
        const target = await damaged(stopped, path, damage);
        let unknownVersion = false;
        for (const session of [2, 3]) {
          const outcome = await outcomeOf(stopped, target, session);
          unknownVersion = outcome === 'CHAIN_FORMAT_UNKNOWN';
          if (outcome.startsWith('no code')) wrong.push({ path, session, outcome });
        }
        const { shown } = await readShownPoints(target, stopped.scenario);
        const kept = unknownVersion ? await pointFolders(target, stopped.scenario.chain) : shown;
        const lost = stopped.committed.filter((id) => !kept.includes(id));
        if (lost.length > 0) wrong.push({ path, lost });
      }
      expect(wrong).toEqual([]);
    },
  );
});
