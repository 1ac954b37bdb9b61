import { copyFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { CopyTask } from '../../../src/domain/sessions/copy-session.js';
import { qemuImg, qemuIo, requireTool } from '../../support/image/qemu.js';
import {
  LIBVIRT_FIXTURE,
  OVIRT_FIXTURE,
  testJob,
  TestSite,
} from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-25T22:00:00Z');

interface Look {
  readonly activity: string;
  readonly restorePoint: string | null;
  readonly processedBytes: number;
  readonly totalBytes: number;
}

/** What a task shows before each of its steps. */
describe('the progress of a task', () => {
  let site: TestSite;
  afterEach(() => site.remove());

  async function looksAt(fixture: string, workload: string): Promise<Look[]> {
    site = await TestSite.create(fixture);
    return looksAtCopy(workload);
  }

  async function looksAtCopy(workload: string): Promise<Look[]> {
    const looks: Look[] = [];
    const sessions = new LocalSessions([await site.openSource(), await site.openTarget()], {
      settings: { batchWindows: 1 },
      beforeActivity: async (activity, ask) => {
        if (!STEPS.includes(activity)) return;
        const { restorePoint, progress } = (await ask('task')) as CopyTask;
        const { processedBytes, totalBytes } = progress;
        looks.push({ activity, restorePoint, processedBytes, totalBytes });
      },
    });
    const { tasks } = await sessions.copy(testJob(), NOW_MS, { workloads: [workload] });
    const { progress, moverTimes, spentMs, state, stateSince } = tasks[0]!;
    const { processedBytes, totalBytes } = progress;
    expect(processedBytes).toBe(totalBytes);
    // Every step that it went through has a time, and its copies were measured.
    expect(Object.keys(spentMs).sort()).toEqual(
      expect.arrayContaining(['committing', 'composing', 'copying', 'inspecting']),
    );
    expect([state, Date.parse(stateSince ?? '') >= NOW_MS]).toEqual(['ended', true]);
    expect(moverTimes).not.toBeNull();
    expect(moverTimes!.sourceMs + moverTimes!.targetMs).toBeGreaterThan(0);
    return looks;
  }

  it.each([
    { what: 'of two disks', fixture: LIBVIRT_FIXTURE, workload: 'files01', points: 3 },
    { what: 'of several disks', fixture: OVIRT_FIXTURE, workload: 'mail01', points: 3 },
    { what: 'that is compared first', fixture: OVIRT_FIXTURE, workload: 'dns01', points: 2 },
  ])(
    'has the whole of a restore point in its total before the first block, and keeps it ($what)',
    async ({ fixture, workload, points }) => {
      const looks = await looksAt(fixture, workload);

      const copied = [...new Set(looks.map(({ restorePoint }) => restorePoint))];
      expect(copied).toHaveLength(points);
      let doneBytes = 0;
      for (const point of copied) {
        const own = looks.filter(({ restorePoint }) => restorePoint === point);
        const composing = own.at(-1)!;
        expect(composing.activity).toBe('composeTargetFile');
        expect(own[0]!.processedBytes).toBe(doneBytes);
        expect(own.map(({ totalBytes }) => totalBytes)).toEqual(
          own.map(() => composing.processedBytes),
        );
        doneBytes = composing.processedBytes;
      }
      const shown = looks.map(({ processedBytes }) => processedBytes);
      expect(shown).toEqual([...shown].sort((a, b) => a - b));
    },
  );

  it.skipIf(!requireTool('qemu-img'))(
    'goes by what is copied, not by the room that a format keeps for it',
    async () => {
      site = await TestSite.create(null);
      const [first, second] = [24, 25].map((day) => site.path('primary', `web-2026-11-${day}.vhd`));
      await qemuImg('create', '-q', '-f', 'vpc', '-o', 'force_size=on', first!, '64M');
      // A VHD keeps room in blocks of 2 MiB, which are 32 of the copy's.
      await qemuIo(first!, 'vpc', ['write -q -P 1 0 64k', 'write -q -P 2 30M 64k']);
      await copyFile(first!, second!);
      await qemuIo(second!, 'vpc', ['write -q -P 3 64k 64k', 'write -q -P 4 31M 128k']);
      const looks = await looksAtCopy('web.vhd');

      const [point] = looks.slice(-1).map(({ restorePoint }) => restorePoint);
      const own = looks.filter(({ restorePoint }) => restorePoint === point);
      const left = ({ totalBytes, processedBytes }: Look) => totalBytes - processedBytes;
      expect(own.map((look) => [look.activity, left(look)]).slice(-2)).toEqual([
        ['copyBlocks', 3 * 65_536],
        ['composeTargetFile', 0],
      ]);
    },
  );

  const STEPS = ['scanBlocks', 'copyBlocks', 'composeTargetFile'];
});
