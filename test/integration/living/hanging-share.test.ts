import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { NativeConnection } from '@temporalio/worker';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RunningWorkers } from '../../../src/bin/workers.js';
import { loadConfig } from '../../../src/config/load-config.js';
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

  async function started(stops: 'ends' | 'hangs' | 'fails') {
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

  it('ends by the signal that stopped it, and says so, when all else is stopped; killed when it could not start', async () => {
    const failing = await started('fails');
    const { child, exited, output } = await started('ends');
    child.kill('SIGTERM');
    expect(await exited).toEqual([null, 'SIGTERM']);
    expect(output()).toContain('calls that never return keep the process');
    expect(await failing.exited).toEqual([null, 'SIGKILL']);
    expect(failing.output()).toContain('calls that never return keep the process');
  });
});

describe('a configuration of which one share hangs', () => {
  let others: string;
  let file: string;
  beforeEach(async () => {
    others = await mkdtemp(join(tmpdir(), 'longhaul-others-'));
    file = join(others, 'longhaul.yaml');
  });
  afterEach(() => rm(others, { recursive: true }));

  const entry = (id: string, path: string, more = '') =>
    `{ id: ${id}, path: '${path}', role: target${more} }`;
  const loaded = async (...repositories: string[]) => {
    await writeFile(file, `repositories: [${repositories.join(', ')}]`);
    return loadConfig({ file, environment: {}, workingFolder: '/', limitMs: 300 });
  };

  it('is read all the same, in one wait for all its folders, and others are told apart by what is there', async () => {
    await mkdir(join(others, 'a'));
    await symlink('a', join(others, 'b'));
    const [a, b] = [entry('a', join(others, 'a')), entry('b', join(others, 'b'))];
    const hanging = Array.from({ length: 12 }, (_, n) => entry(`nas${n}`, join(folder, `${n}`)));
    const warned = vi.spyOn(process, 'emitWarning').mockReturnValue();
    const beganMs = performance.now();
    expect((await loaded(...hanging, a)).repositories).toHaveLength(13);
    // Twelve waits one after the other take 3.6 s.
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    const [[warning]] = warned.mock.calls as unknown as [[string]];
    expect(warning).toContain(join(folder, '0'));
    expect(warning).toContain(join(folder, '11'));
    expect(warning).not.toContain(others);
    await expect(loaded(hanging[0]!, a, b)).rejects.toThrow('the same as the folder');
    const [nas, within] = [entry('nas', folder), entry('in', join(folder, 'in'))];
    await expect(loaded(nas, within)).rejects.toThrow('inside the folder of repository nas');
    warned.mockRestore();
  });

  it('and a fault of its configuration fails the start, with the fault and its exit code', async () => {
    await writeFile(
      file,
      `repositories: [${entry('nas1', folder)}, ${entry('a', others, ', taskLimit: 0')}]`,
    );
    const program = fileURLToPath(
      new URL('../../support/bin/faulty-start-entry.ts', import.meta.url),
    );
    const child = spawn(process.execPath, [await processEntry(program), file], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    // As docs/OPERATIONS.md, Exit codes: wrong usage, or a request that breaks a rule.
    expect(await once(child, 'exit')).toEqual([2, null]);
    expect(errors).toContain('repositories[1].taskLimit');
    expect(errors).toContain(`no answer from ${folder}`);
  });
});

describe('a watch of folders of a share that hangs', () => {
  it('keeps nobody waiting, and one of another folder rings', async () => {
    const good = await mkdtemp(join(tmpdir(), 'longhaul-good-'));
    const at = (id: string, path: string) => ({ id, storage: directory(path), isReadOnly: true });
    const mover = new DataMover([at('nas1', folder), at('good', good)]);
    let rings = 0;
    const watch = mover.watch('good', () => (rings += 1))!;
    watch.add(['']);
    await vi.waitUntil(() => rings === 1, { timeout: 30_000 });
    mover.watch('nas1', () => undefined)!.add(['vm']);
    await writeFile(join(good, 'vm'), '');
    // This thread goes on.
    await setTimeout(1_000);
    const [silent] = mover.unanswered();
    expect(silent).toMatchObject({ repositoryId: 'nas1', seconds: expect.any(Number) as number });
    share.end();
    await vi.waitUntil(() => rings > 1, { timeout: 30_000 });
    await mover.close();
    await rm(good, { recursive: true });
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
