import { beforeAll, describe, expect, it } from 'vitest';
import { GrowingSource } from '../../support/living/growing-source.js';
import { CallCounter } from '../../support/repository/count-calls.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const HOUR_MS = 3_600_000;
const FIRST_MS = Date.parse('2026-01-01T01:00:00Z');
const MACHINES = 5;
/** What a session asks for once, however many machines there are. */
const OF_THE_SESSION = [
  'readCopySettings',
  'enumerateWorkloads',
  'recordSession',
  'startJobsAfter',
  'lookForAbsentWorkloads',
];

describe('a session that finds nothing new', () => {
  const activities: string[] = [];
  let opened: { source: readonly string[]; target: readonly string[] };
  beforeAll(async () => {
    const source = new SimulatedRepository('primary');
    const target = new SimulatedRepository('offsite');
    for (let n = 0; n < MACHINES; n++) {
      const machine = new GrowingSource(source, `mail0${n}`, { blockCount: 4 });
      await machine.backUp(FIRST_MS, 'full');
      machine.work(1);
      await machine.backUp(FIRST_MS + HOUR_MS, 'incremental');
    }
    const sessions = new LocalSessions([source, target], {
      isResident: true,
      beforeActivity: (name) => Promise.resolve(void activities.push(name)),
    });
    const job = testJob({ restorePoints: 'all' });
    await sessions.copy(job, FIRST_MS + 2 * HOUR_MS);
    const ofSource = new CallCounter(source);
    const ofTarget = new CallCounter(target);
    activities.length = 0;
    const { result } = await sessions.copy(job, FIRST_MS + 3 * HOUR_MS);
    expect(result).toBe('nothingToCopy');
    opened = { source: [...ofSource.opened], target: [...ofTarget.opened] };
  });

  it('opens no image, neither in the source nor in the target', () => {
    const images = (paths: readonly string[]) => paths.filter((path) => path.includes('.qcow2'));
    expect(images(opened.source)).toEqual([]);
    expect(images(opened.target)).toEqual([]);
  });

  it('costs one activity for each workload', () => {
    const ofWorkloads = activities.filter((name) => !OF_THE_SESSION.includes(name));
    expect(ofWorkloads).toEqual(Array<string>(MACHINES).fill('lookForWork'));
  });
});
