import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CopyTask } from '../../../src/domain/sessions/copy-session.js';
import { requireTool } from '../../support/image/qemu.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob, TestSite } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const run = promisify(execFile);
const READER = join(import.meta.dirname, 'read_sessions.py');
const HOUR_MS = 3_600_000;
const FIRST_AT_MS = Date.parse('2026-11-02T22:00:00Z');
/** Their ids alone are more than a session keeps of a task. */
const POINTS = 40;

interface Session {
  readonly files: readonly string[];
  readonly tasks: readonly CopyTask[];
}

/** The reader is written from docs/FORMAT.md alone. */
describe.skipIf(!requireTool('python3'))('a reader of sessions written from docs/FORMAT.md', () => {
  let site: TestSite;
  beforeEach(async () => {
    site = await TestSite.create(null);
  });
  afterEach(() => site.remove());

  it('finds every task of a session whole: in its record, or in a file of its own', async () => {
    const source = new SimulatedRepository('primary');
    await new GrowingSource(source, 'db 01', { blockCount: 2 }).backUp(FIRST_AT_MS, 'full');
    const long = new GrowingSource(source, 'büro_01', { blockCount: 2 });
    for (let hour = 0; hour < POINTS; hour++)
      await long.backUp(FIRST_AT_MS + hour * HOUR_MS, hour === 0 ? 'full' : 'incremental');
    const job = testJob({ retention: { type: 'restorePoints', value: 99 } });
    const sessions = new LocalSessions([source, await site.openTarget()]);
    await sessions.copy(job, FIRST_AT_MS + 100 * HOUR_MS);
    await sessions.copy(job, FIRST_AT_MS + 101 * HOUR_MS);

    const { stdout } = await run('python3', [READER, site.path('offsite', 'nightly')]);
    const [first, second] = JSON.parse(stdout) as Session[];

    expect(first).toMatchObject({
      id: 'nightly-20261107T020000Z',
      result: 'success',
      taskCounts: { success: 2 },
      omittedTasks: 0,
      tasks: [{ workload: 'büro_01' }, { workload: 'db 01', recorded: false }],
    });
    expect(first!.files).toHaveLength(1);
    const committed = Array.from({ length: POINTS }, (_, hour) =>
      new Date(FIRST_AT_MS + hour * HOUR_MS).toISOString().replaceAll(':', '').replace('.000', ''),
    );
    expect(first!.tasks[0]!.committed).toEqual(committed);
    expect(second).toMatchObject({ result: 'nothingToCopy', files: [] });
  });
});
