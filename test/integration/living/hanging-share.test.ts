import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NativeConnection } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunningWorkers } from '../../../src/bin/workers.js';
import { LimitedLooks } from '../../../src/config/limited-looks.js';
import { parseConfig } from '../../../src/config/load-config.js';
import { DataMover } from '../../../src/mover/data-mover.js';
import type { ThreadOperation } from '../../../src/mover/mover-operations.js';
import { TaskControl } from '../../../src/mover/task/task-control.js';
import { processEntry } from '../../support/process-entry.js';
import { directory } from '../../support/repository/directory-storage.js';
import { HangingShare } from '../../support/repository/hanging-share.js';
import { testJob } from '../../support/session/test-site.js';

let folder: string;
let share: HangingShare;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'longhaul-hanging-'));
  share = HangingShare.over(folder);
});
afterEach(async () => {
  share.end();
  await rm(folder, { recursive: true });
});

describe('a process whose storage hangs', () => {
  const ENTRY = fileURLToPath(new URL('../../support/bin/hanging-entry.ts', import.meta.url));

  async function started(stops: 'ends' | 'hangs') {
    const program = [await processEntry(ENTRY), folder, stops];
    const child = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    await once(child.stdout, 'data');
    return { child, exited: once(child, 'exit'), output: () => output };
  }

  it('ends at the second signal, although its stop does not', async () => {
    const { child, exited, output } = await started('hangs');
    child.kill('SIGTERM');
    await once(child.stdout, 'data');
    expect(output()).toContain('stopping');
    child.kill('SIGINT');
    expect(await exited).toEqual([null, 'SIGINT']);
  });

  it('ends by the signal that stopped it, and says so, when all else is stopped', async () => {
    const { child, exited, output } = await started('ends');
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    expect(output()).toContain('calls that never return keep the process');
  });
});

describe('a configuration of which one share hangs', () => {
  const looked = (text: string) => {
    const looks = new LimitedLooks(300);
    try {
      return parseConfig(text, { name: 'test', folder: '/', environment: {}, looks });
    } finally {
      looks.end();
    }
  };
  const entry = (id: string, path: string) => `{ id: ${id}, path: '${path}', role: target }`;

  it('is read all the same, and others are told apart by what is there', async () => {
    const others = await mkdtemp(join(tmpdir(), 'longhaul-others-'));
    await mkdir(join(others, 'a'));
    await symlink('a', join(others, 'b'));
    const [nas1, a, b] = [
      entry('nas1', folder),
      entry('a', join(others, 'a')),
      entry('b', join(others, 'b')),
    ];
    expect(looked(`repositories: [${nas1}, ${a}]`).repositories).toHaveLength(2);
    expect(() => looked(`repositories: [${nas1}, ${a}, ${b}]`)).toThrow('the same as the folder');
    expect(() => looked(`repositories: [${nas1}, ${entry('in', join(folder, 'in'))}]`)).toThrow(
      'inside the folder of repository nas1',
    );
    await rm(others, { recursive: true });
  });
});

describe('workers', () => {
  it('find nothing wrong with a repository that is only read', async () => {
    const source = await mkdtemp(join(tmpdir(), 'longhaul-source-'));
    const mover = new DataMover([{ id: 'nas2', storage: directory(source), isReadOnly: true }]);
    const workers = new RunningWorkers({
      ...{ workers: [], mover, connection: {} as NativeConnection, logger: { error: vi.fn() } },
      leaveLimits: () => undefined,
    });
    expect(await workers.storageOf('nas2')).toBeNull();
    await rm(source, { recursive: true });
    await expect(workers.storageOf('nas2')).rejects.toMatchObject({
      code: 'REPOSITORY_UNREACHABLE',
    });
    await mover.close();
  });
});

describe('a copy, a look and a plan whose storage hangs', () => {
  it('can each tell what they wait for', async () => {
    const mover = new DataMover([{ id: 'nas1', storage: directory(folder), isReadOnly: false }]);
    const ofNas = { repositoryId: 'nas1', targetRepositoryId: 'nas1' };
    const include = [{ repositoryId: 'nas1' }];
    const job = testJob({ sources: { include, exclude: [] }, target: include[0]! });
    const given = (name: ThreadOperation, input: object) => {
      const control = new TaskControl();
      const ended = mover.run(name, input as never, control).catch(() => undefined);
      return { control, ended };
    };
    const tasks = [
      given('planMaintenance', { ...ofNas, jobId: 'nightly', workloadId: 'vm' }),
      given('listRestorePoints', ofNas),
      given('planJob', { job, nowMs: 0, after: null, immutableForDays: 0, settleMs: {} }),
    ];
    const awaited = () => tasks.map(({ control }) => control.awaitedInThreads());
    await vi.waitUntil(() => awaited().every((each) => each.length > 0), { timeout: 30_000 });
    const nas1 = [{ repositoryId: 'nas1', forMs: expect.any(Number) as number }];
    expect(awaited()).toEqual([nas1, nas1, nas1]);
    expect(new TaskControl().awaitedInThreads()).toEqual([]);
    share.end();
    await Promise.all(tasks.map(({ ended }) => ended));
    await mover.close();
  });
});

describe('workers whose storage hangs', () => {
  it('are left at the limit of their stop, and the log names the storage', async () => {
    const nas1 = { id: 'nas1', storage: directory(folder), isReadOnly: false };
    const mover = new DataMover([nas1]);
    const input = { targetRepositoryId: 'nas1', jobId: 'nightly', workloadId: 'vm' };
    const ended = mover
      .run('planMaintenance', input as never, new TaskControl())
      .catch(() => undefined);
    await vi.waitUntil(() => mover.unanswered().length > 0, { timeout: 120_000 });
    const told: unknown[] = [];
    const connection = { close: () => Promise.resolve() } as unknown as NativeConnection;
    const logger = { error: (about: object | string) => void told.push(about) };
    const workers = new RunningWorkers({
      ...{ workers: [], mover, connection, logger },
      leaveLimits: () => undefined,
    });
    await workers.stop(500);
    expect(told).toEqual([{ storage: [{ repositoryId: 'nas1', seconds: expect.any(Number) }] }]);
    share.end();
    await ended;
  });
});
