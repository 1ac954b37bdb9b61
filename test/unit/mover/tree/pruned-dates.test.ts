import { describe, expect, it, onTestFinished } from 'vitest';
import { parseDatedName } from '../../../../src/layout/names/dated-name.js';
import { rmanFreeLayout } from '../../../../src/layout/rman/free-folder.js';
import { TREE_LAYOUTS } from '../../../../src/layout/tree-layouts.js';
import type { TreeLayout } from '../../../../src/layout/tree-layout.js';
import { testJob } from '../../../support/session/test-site.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';

const JOB = testJob({
  ...{ mode: 'immediate', compact: null, removedWorkloadsAfterDays: 3 },
  retention: { type: 'days', value: 90 },
});

/** As it was when each folder of a date was a database. */
const EACH_DATE: TreeLayout = {
  ...rmanFreeLayout,
  claim: (names) => {
    const folders = names.folders.filter((name) => parseDatedName(name) === null);
    return rmanFreeLayout.claim({ ...names, folders });
  },
};

/** Until the test ends. */
function replaceRow(row: TreeLayout, by: TreeLayout): void {
  const rows = TREE_LAYOUTS as TreeLayout[];
  rows[rows.indexOf(row)] = by;
}

describe('copies of folders of dates that were a workload each', () => {
  it('stay when all dates are one workload, also of those that the source has pruned', async () => {
    const world = new TreeWorld('b', 'rman-free', JOB);
    const dates = ['2026-11-20', '2026-11-21', '2026-11-22'];
    for (const date of dates)
      for (const name of ['0v2k3j4l_1_1', `c-1234567890-${date.replaceAll('-', '')}-00`])
        await world.source.put(`b/${date}/${name}`, Buffer.from(`${date} ${name}`));
    replaceRow(rmanFreeLayout, EACH_DATE);
    onTestFinished(() => {
      if (TREE_LAYOUTS.includes(EACH_DATE)) replaceRow(EACH_DATE, rmanFreeLayout);
    });
    world.nowMs += DAY_MS;
    await world.copy();
    const copied = async () => {
      const folders = (await world.target.list('nightly')).flatMap(({ name, type }) =>
        type === 'folder' && name !== 'sessions' ? [name] : [],
      );
      const counts = folders.map(async (name): Promise<[string, number]> => [
        decodeURIComponent(name),
        (await filesBelow(world.target, `nightly/${name}/files`)).size,
      ]);
      return Object.fromEntries(await Promise.all(counts));
    };
    const before = Object.fromEntries(dates.map((date) => [`rman-free-b:${date}`, 2]));
    expect(await copied()).toEqual(before);
    // One is gone before the update and one after it.
    await world.source.removeAll('b/2026-11-20');
    replaceRow(EACH_DATE, rmanFreeLayout);
    const told: string[] = [];
    for (const days of [1, 1, 3, 9]) {
      world.nowMs += days * DAY_MS;
      const { tasks } = await world.copy();
      told.push(
        ...tasks.flatMap(({ reason }) => (/no source/.test(reason ?? '') ? [reason!] : [])),
      );
      await world.source.removeAll('b/2026-11-21');
    }
    expect(told).toEqual([]);
    expect(await copied()).toEqual({ ...before, 'rman-free-b': 4 });
  });
});
