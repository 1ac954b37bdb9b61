import { beforeEach, describe, expect, it } from 'vitest';
import { readChainRecord } from '../../../src/chain/chain-store.js';
import { chainFolder } from '../../../src/chain/chain-paths.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import type { RemoveInput } from '../../../workflows/messages.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const DAY_MS = 86_400_000;
const FILE_BYTES = 1_048_576;

/** A tool that calls its backups by the day alone, each a raw disk for itself. */
describe('a backup that was made again under its name and date', () => {
  let source: SimulatedRepository;
  let target: SimulatedRepository;
  let sessions: LocalSessions;
  let nowMs: number;
  beforeEach(async () => {
    [source, target] = [new SimulatedRepository('primary'), new SimulatedRepository('offsite')];
    sessions = new LocalSessions([source, target]);
    nowMs = NOW_MS;
    for (const day of [22, 23, 24]) await backUp(day, String(day));
  });

  async function backUp(day: number, text: string): Promise<void> {
    const path = `web-2026-11-${day}.img`;
    if ((await source.stat(path)) !== null) await source.remove(path);
    await source.put(path, Buffer.alloc(FILE_BYTES, text));
    source.settleAll();
  }

  async function session(days?: number) {
    const retention = { type: 'restorePoints', value: days ?? 100 } as const;
    const job = testJob({ restorePoints: 'all', retention });
    const { tasks } = await sessions.copy(job, (nowMs += DAY_MS / 24));
    const { result, reason, workloadId } = tasks[0]!;
    return { result, reason, workloadId: workloadId! };
  }

  /** Day and first letters of each copy, in the order of the chain. */
  async function copies(workloadId: string): Promise<string[]> {
    const chain = chainFolder('nightly', workloadId);
    const { points } = (await readChainRecord(target, chain))!;
    const texts: string[] = [];
    for (const { createdAt, disks } of points) {
      const file = await target.openRead(`${chain}/${disks[0]!.path}`);
      const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
      await file.read(bytes, 0);
      await file.close();
      const day = createdAt.slice(8, 10);
      texts.push(
        `${day} ${['22', '23', '24', '25', 'anew'].find((text) => shows(bytes, text)) ?? '?'}`,
      );
    }
    return texts;
  }

  function shows(bytes: Buffer, text: string): boolean {
    return bytes.includes(Buffer.alloc(4_096, text));
  }

  async function removeNewest(workloadId: string): Promise<void> {
    const chain = chainFolder('nightly', workloadId);
    const { id } = (await readChainRecord(target, chain))!.points.at(-1)!;
    const input: RemoveInput = {
      repositoryId: 'offsite',
      restorePointId: restorePointKey(['nightly', workloadId, id]),
      mode: 'delete',
      withDependents: true,
    };
    expect(await sessions.remove(input, nowMs)).toMatchObject({ result: 'success' });
  }

  it('is copied when an operator has removed the copy of the one before, and that one is not', async () => {
    const { workloadId } = await session();
    expect(await copies(workloadId)).toEqual(['22 22', '23 23', '24 24']);
    await removeNewest(workloadId);
    expect(await session()).toMatchObject({ result: 'nothingToCopy' });
    await backUp(24, 'anew');
    expect(await session()).toMatchObject({ result: 'success' });
    expect(await copies(workloadId)).toEqual(['22 22', '23 23', '24 anew']);
    expect(await session()).toMatchObject({ result: 'nothingToCopy' });
  });

  it('is told of when retention has let go of the older one, until the next copy is made', async () => {
    const { workloadId } = await session(1);
    expect(await copies(workloadId)).toEqual(['24 24']);
    await backUp(22, 'anew');
    const told = /^the files of restore point .*22.* were written or moved after it was dealt with/;
    const warning = { result: 'warning', reason: expect.stringMatching(told) as string };
    expect(await session(1)).toMatchObject(warning);
    await backUp(25, '25');
    expect(await session(2)).toMatchObject({ result: 'warning' });
    expect(await session(2)).toMatchObject({ result: 'nothingToCopy', reason: NOTHING_NEW });
    expect(await copies(workloadId)).toEqual(['24 24', '25 25']);
  });

  const NOTHING_NEW = expect.stringMatching(
    /^newest restore point .* is copied already$/,
  ) as string;
});
