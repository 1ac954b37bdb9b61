import { describe, it, expect } from 'vitest';
import { TREE_SCENARIOS, type TreeScenario } from '../../../support/kill-table/tree-kills.js';
import { InProcessMover } from '../../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../../support/repository/simulated-repository.js';
import { testJob } from '../../../support/session/test-site.js';
import { restorePointKey } from '../../../../src/domain/targets/repository-view.js';
import { makeTreesKnown } from '../../../support/tree/known-trees.js';
import { ToyStore } from '../../../support/tree/toy-store.js';
import { toySetLayout, toyStoreLayout } from '../../../support/tree/toy-trees.js';
import { DAY_MS, filesBelow, TreeWorld } from '../../../support/tree/tree-world.js';
import { LocalServer, WorkerDeath } from '../../../support/workflows/local-server.js';
import { InProcessWorker } from '../../../support/workflows/local-worker.js';
import { sessionWorkflowId } from '../../../../src/domain/sessions/copy-session.js';
import { WORKFLOW_COPY_SESSION, type CopySessionOutcome } from '../../../../workflows/messages.js';
import {
  expectSameWithLostAnswers,
  givenUpAt,
  stoppedAt,
  stoppedIn,
} from '../../../support/workflows/lost-answers.js';
import { LocalSessions } from '../../../support/workflows/local-sessions.js';

async function prepared(name: TreeScenario): Promise<TreeWorld> {
  makeTreesKnown(toyStoreLayout);
  const store = new ToyStore(new TreeWorld());
  await store.begin();
  await TREE_SCENARIOS[name](store, async () => void (await store.world.copy()));
  store.world.nowMs += 60_000;
  return store.world;
}

async function endOf(world: TreeWorld): Promise<unknown> {
  const { points, lost, guard, pending } = await world.record();
  const copied = [...(await world.copied())].map(([path, bytes]) => [path, bytes.toString('hex')]);
  const shown = points.map(({ id, health, verifiedAt, goneSince }) => [
    ...[id, health, verifiedAt, goneSince],
  ]);
  return { shown, lost, guard, pending, copied };
}

/** Sets of five days, of which the next session copies the last and removes the first two: it keeps three. */
async function setsOfFiveDays(): Promise<TreeWorld> {
  makeTreesKnown(toySetLayout);
  const days = (value: number) =>
    testJob({ transactionLogs: true, retention: { type: 'days', value }, compact: null });
  const world = new TreeWorld('sets', 'toysets', days(1));
  const backUp = async (day: number) => {
    await world.write(`db-${day}.a.set`, `data of ${day}`);
    await world.write(`db-${day}.done`, '');
  };
  for (const day of [20, 21, 22, 23]) await backUp(day);
  await world.copy({}, days(30));
  await backUp(24);
  world.nowMs += 60_000;
  return world;
}

/** Of two files of the data. */
async function damageSome(world: TreeWorld): Promise<readonly string[]> {
  const paths = [...world.files.keys()].filter((path) => path.startsWith('data/')).slice(0, 2);
  for (const path of paths) await world.damage(path, 'bad');
  return paths;
}

/** Beside other tests on two processors. */
const NAMES = Object.keys(TREE_SCENARIOS) as TreeScenario[];

describe('with every activity of it done twice, because its first answer was lost,', () => {
  it.each(NAMES)('the %s ends the same and tells the same', async (name) => {
    await expectSameWithLostAnswers(async (options) => {
      const world = await prepared(name);
      const sessions = new LocalSessions([world.source, world.target], options);
      return [await sessions.tryToCopy(world.job, world.nowMs), await endOf(world)];
    });
  });

  it('a session after one that failed tells what that had found lost and sent again', async () => {
    await expectSameWithLostAnswers(async (options) => {
      const world = await prepared('copy of a tree that has lost files');
      const beforeActivity = (name: string) =>
        name === 'commitTree' ? Promise.reject(new Error('no commit')) : Promise.resolve();
      const failing = new LocalSessions([world.source, world.target], { beforeActivity });
      expect((await failing.tryToCopy(world.job, world.nowMs)).result).toBe('failed');
      const sessions = new LocalSessions([world.source, world.target], options);
      const outcome = await sessions.tryToCopy(world.job, world.nowMs + 60_000);
      expect(outcome.reason).toMatch(/5 files of the copy were not there .* were sent again/);
      expect((await world.record()).untold).toBeUndefined();
      return [outcome, await endOf(world)];
    });
  });

  it('the removal of a point says how much went', async () => {
    await expectSameWithLostAnswers(async (options) => {
      const world = await setsOfFiveDays();
      const sessions = new LocalSessions([world.source, world.target], options);
      const outcome = await sessions.tryToCopy(world.job, world.nowMs);
      expect(outcome.tasks[0]!.notes).toContain('4 files and 2 restore points were removed');
      return [outcome, await endOf(world)];
    });
  });

  it('the check of a tree heals what it found, and names it and what is lost', async () => {
    await expectSameWithLostAnswers(async (options) => {
      const world = await prepared('copy of a tree that has lost files');
      await world.copy();
      const [lost] = await damageSome(world);
      await world.remove(lost!);
      const outcome = await world.verify(options);
      expect(outcome.notes.length).toBeGreaterThan(1);
      return [outcome, await endOf(world)];
    });
  });

  it('the restore of a tree with a large file names what is damaged, and is one', async () => {
    await expectSameWithLostAnswers(async (options) => {
      const world = await prepared('copy of a tree that has lost files');
      await world.copy();
      await damageSome(world);
      const folder = new SimulatedRepository('folder:/tmp/restored');
      const newest = (await world.record()).points.at(-1)!.source.restorePointId;
      const outcome = await world.restore(folder, newest, {}, options);
      return [outcome, [...(await filesBelow(folder, '')).keys()]];
    });
  });

  it('the delete of a removed tree is told, although what is gone cannot be counted any more', async () => {
    makeTreesKnown(toySetLayout);
    const kept = { retention: { type: 'days', value: 20 }, compact: null } as const;
    const job = testJob({ transactionLogs: true, ...kept, removedWorkloadsAfterDays: 1 });
    const world = new TreeWorld('sets', 'toysets', job);
    const write = async (root: string) => {
      await world.source.put(`${root}/db-20.a.set`, Buffer.from(root));
      await world.source.put(`${root}/db-20.done`, Buffer.alloc(0));
    };
    await write('sets');
    await write('others');
    await world.copy();
    await world.source.removeAll('sets');
    const told: string[] = [];
    for (let day = 0; day < 6; day++) {
      world.nowMs += DAY_MS;
      const loses = { losesAnswer: (_: string, attempt: number) => attempt === 1 };
      const sessions = new LocalSessions([world.source, world.target], loses);
      const { tasks } = await sessions.tryToCopy(job, world.nowMs);
      told.push(...tasks.flatMap(({ notes }) => notes));
    }
    const words = /^no source shows it .* missed on .*; all restore points go: they were deleted$/;
    expect(told.filter((note) => words.test(note))).toHaveLength(1);
    expect((await world.record()).points).toEqual([]);
  });
});

describe('of a step whose answer is lost for good, the next session tells', () => {
  it('what was committed, and what was found lost and sent again', async () => {
    const world = await prepared('copy of a tree that has lost files');
    const dying = new LocalSessions([world.source, world.target], givenUpAt('commitTree'));
    expect((await dying.tryToCopy(world.job, world.nowMs)).result).toBe('failed');
    const outcome = await world.copy();
    expect(outcome.reason).toMatch(/5 files of the copy were not there .* were sent again/);
    expect(outcome.tasks[0]!.notes).toContainEqual(
      expect.stringMatching(/^by a run before, .*: 1 restore point was committed, \S+ last$/),
    );
    expect(await toldOf(world)).toEqual({});
    expect((await world.copy()).tasks[0]).toMatchObject({ result: 'nothingToCopy', notes: [] });
  });

  it('what was committed of a tree that no source shows by then, once', async () => {
    makeTreesKnown(toySetLayout);
    const kept = { retention: { type: 'days', value: 20 }, compact: null } as const;
    const job = testJob({ transactionLogs: true, ...kept, removedWorkloadsAfterDays: 100 });
    const world = new TreeWorld('sets', 'toysets', job);
    const write = async (root: string, day: number) => {
      await world.source.put(`${root}/db-${day}.a.set`, Buffer.from(`${root} ${day}`));
      await world.source.put(`${root}/db-${day}.done`, Buffer.alloc(0));
    };
    await write('sets', 20);
    await write('others', 20);
    await world.copy();
    await write('sets', 21);
    world.nowMs += DAY_MS;
    const dying = new LocalSessions([world.source, world.target], givenUpAt('commitTree'));
    expect((await dying.tryToCopy(job, world.nowMs)).result).toBe('failed');
    await world.source.removeAll('sets');
    const notes: string[] = [];
    for (let day = 0; day < 3; day++) {
      world.nowMs += DAY_MS;
      const { tasks } = await world.copy();
      notes.push(...tasks.find(({ workload }) => workload === 'sets')!.notes);
    }
    expect(notes).toHaveLength(4);
    expect(notes.filter((note) => note.startsWith('by a run before'))).toEqual([
      expect.stringMatching(/: 1 restore point was committed, \S+ last$/),
    ]);
    expect(await toldOf(world)).toEqual({});
  });

  it('what was removed', async () => {
    const world = await setsOfFiveDays();
    const dying = new LocalSessions([world.source, world.target], givenUpAt('removeTreeFiles'));
    const { notes } = (await dying.tryToCopy(world.job, world.nowMs)).tasks[0]!;
    expect(notes.join()).not.toMatch(/were removed/);
    expect((await world.copy()).tasks[0]!.notes).toEqual([
      'by a run before, which may not have told it: 4 files and 2 restore points were removed',
    ]);
    expect(await toldOf(world)).toEqual({});
    expect((await world.copy()).tasks[0]).toMatchObject({ result: 'nothingToCopy', notes: [] });
  });

  it('what was removed, once, where the removal was paused before its answer was heard', async () => {
    const world = await setsOfFiveDays();
    const id = sessionWorkflowId(world.job.id, world.nowMs);
    const isFirstRemoval = (name: string, attempt: number) => {
      if (name !== 'removeTreeFiles' || attempt > 1 || isPaused) return false;
      isPaused = true;
      server.update(id, 'pause', null);
      server.update(id, 'resume', null);
      server.takeMs(3_600_000);
      return true;
    };
    let isPaused = false;
    const worker = new InProcessWorker([world.source, world.target], {
      losesAnswer: isFirstRemoval,
    });
    const server = new LocalServer(worker, world.nowMs);
    server.begin(WORKFLOW_COPY_SESSION, id, { job: world.job, overrides: {} });
    const { tasks } = (await server.end(id)) as CopySessionOutcome;
    expect(isPaused).toBe(true);
    expect(tasks[0]!.notes).toContain('4 files and 2 restore points were removed');
    expect((await world.copy()).tasks[0]).toMatchObject({ result: 'nothingToCopy', notes: [] });
  });

  it('all that two removals of one session have removed', async () => {
    const world = await setsOfFiveDays();
    const keepsAll = { type: 'days', value: 30 } as const;
    await world.copy({}, { ...world.job, retention: keepsAll });
    const { epoch } = await world.record();
    const mover = new InProcessMover(world.source, world.target);
    const remove = (days: number, nowMs: number) => {
      const { job, tree } = world;
      const retention = { type: 'days', value: days } as const;
      const choice = { mode: job.mode, gfs: null, retention, timeZone: 'UTC' };
      const place = { targetRepositoryId: 'offsite', chain: tree, epoch, immutableForDays: 0 };
      return mover.run('removeTreeFiles', { ...place, choice, nowMs });
    };
    expect((await remove(4, world.nowMs)).points).toHaveLength(1);
    await remove(1, world.nowMs + 1);
    expect(await remove(1, world.nowMs + 1)).toMatchObject({ fileCount: 4, postponed: null });
    expect((await world.copy()).tasks[0]!.notes).toContain(
      'by a run before, which may not have told it: 4 files and 2 restore points were removed',
    );
  });

  it('of a commit that was stopped in its clean-up that all is there', async () => {
    const world = await prepared('copy of a tree that has lost files');
    const before = world.target;
    world.target = before.clone();
    await world.copy();
    const ended = world.target.operations.findLast(({ path }) => path.endsWith('/plan.json'))!;
    world.target = before.clone({ crash: { atOperation: ended.number, when: 'before' } });
    await expect(world.copy()).rejects.toThrow(WorkerDeath);
    world.target = world.target.restart({ kind: 'none' });
    const behind: unknown[] = [];
    const beforeActivity = async (name: string) => {
      if (name === 'commitTree') behind.push((await world.record()).isBehind);
    };
    const sessions = new LocalSessions([world.source, world.target], { beforeActivity });
    const { tasks } = await sessions.tryToCopy(world.job, world.nowMs + 60_000);
    expect(behind).toEqual([undefined]);
    expect(tasks[0]!.notes).toContainEqual(expect.stringMatching(/were sent again$/));
  });

  it('what the session before has told, if its record could not be written', async () => {
    const world = await prepared('copy of a tree that has lost files');
    const beforeActivity = (name: string) =>
      name === 'recordSession'
        ? Promise.reject(new Error('the target is away'))
        : Promise.resolve();
    const unrecorded = new LocalSessions([world.source, world.target], { beforeActivity });
    const { reason } = await unrecorded.tryToCopy(world.job, world.nowMs);
    expect(reason).toMatch(/the record of this session could not be written/);
    expect((await world.copy()).tasks[0]!.notes).toContainEqual(
      expect.stringMatching(/^by a run before, .*: 1 restore point was committed, \S+ last$/),
    );
    expect(await toldOf(world)).toEqual({});
  });

  it('nothing that the session itself has told', async () => {
    const world = await prepared('copy of a tree that has lost files');
    await world.copy();
    expect(await toldOf(world)).toEqual({});
    expect((await world.copy()).tasks[0]!.notes).toEqual([]);
  });
});

async function toldOf(world: TreeWorld): Promise<unknown> {
  const { committed, removed, untold, untoldWork } = await world.record();
  return JSON.parse(JSON.stringify({ committed, removed, untold, untoldWork }));
}

describe('a restore of a tree that is stopped in its last batch, which ends', () => {
  it('gives nothing its name, and says so', async () => {
    const world = await prepared('copy of a tree that has lost files');
    await world.copy();
    const { jobId, workload, points } = await world.record();
    const newest = points.at(-1)!;
    const folder = new SimulatedRepository('folder:/tmp/restored');
    const sessions: LocalSessions = new LocalSessions(
      [world.target, folder],
      stoppedIn('restoreFiles', () => sessions.stop('restore')),
    );
    const { result, notes } = await sessions.restore(
      {
        ...{ repositoryId: 'offsite', destinationPath: '/tmp/restored', format: 'same' },
        restorePointId: restorePointKey([jobId, workload.id, newest.id]),
      },
      world.nowMs,
    );
    expect([result, notes]).toEqual(['stopped', []]);
    const names = (await folder.list('')).map(({ name }) => name);
    expect(names).toEqual([expect.stringMatching(/^\.longhaul-restore-/)]);
    expect((await world.restore(folder, newest.source.restorePointId)).result).toBe('success');
  });
});

describe('a restore of a tree that is stopped in place of a second try of', () => {
  const NOT_YET = ['prepareRestore', 'restoreFiles'];

  it.each([...NOT_YET, 'finishTreeRestore', 'endTreeRestore'])(
    '%s says so, and leaves nothing that a second order cannot end',
    async (step) => {
      const world = await prepared('copy of a tree that has lost files');
      await world.copy();
      const newest = (await world.record()).points.at(-1)!;
      const folder = new SimulatedRepository('folder:/tmp/restored');
      const { jobId, workload } = await world.record();
      const order = {
        ...{ repositoryId: 'offsite', destinationPath: '/tmp/restored', format: 'same' as const },
        restorePointId: restorePointKey([jobId, workload.id, newest.id]),
      };
      const sessions: LocalSessions = new LocalSessions(
        [world.target, folder],
        stoppedAt(step, () => sessions.stop('restore')),
      );
      const { result, notes } = await sessions.restore(order, world.nowMs);
      expect(await world.target.list(`${world.tree}/.leases`).catch(() => [])).toEqual([]);
      const isEarly = NOT_YET.includes(step);
      expect(result).toBe(isEarly ? 'stopped' : 'success');
      expect(notes.filter((note) => note.includes('too late'))).toHaveLength(isEarly ? 0 : 1);
      if (isEarly)
        expect((await world.restore(folder, newest.source.restorePointId)).result).toBe('success');
      expect((await folder.list('')).filter(({ name }) => name.startsWith('.longhaul'))).toEqual(
        [],
      );
    },
  );
});
