import { beforeAll, describe, expect, it } from 'vitest';
import { pointFolders } from '../../../src/chain/chain-store.js';
import { isErrorCode } from '../../../src/domain/errors.js';
import { ChangeRun } from '../../support/kill-table/change-run.js';
import { readShownPoints } from '../../support/kill-table/read-points.js';
import { prepareScenario, type ScenarioName } from '../../support/kill-table/scenarios.js';
import type { Scenario } from '../../support/kill-table/try-positions.js';
import type {
  SimulatedRepository,
  StorageOperation,
} from '../../support/repository/simulated-repository.js';
import { WorkerDeath } from '../../support/workflows/local-server.js';

/** Every file of a target in which work was stopped is damaged in every way, one at a time, and the next session runs: it ends well or with
 *  an error that has a code, and what was committed is still there. */

type Damage = (bytes: Buffer) => Buffer;

const DAMAGES: Record<string, Damage> = {
  empty: () => Buffer.alloc(0),
  'cut in half': (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2)),
  'the word null': () => Buffer.from('null'),
  'of another shape': () => Buffer.from('{"token":[],"digest":"","content":{"disks":7}}'),
  'of another version': (bytes) =>
    Buffer.from(bytes.toString('latin1').replace('1', '7'), 'latin1'),
  garbage: (bytes) => bytes.map((byte, i) => (i % 3 === 0 ? byte ^ 0x5a : byte)) as Buffer,
};

interface Stopped {
  readonly scenario: Scenario;
  readonly target: SimulatedRepository;
  readonly files: readonly string[];
  /** Ids of the points that are committed. */
  readonly committed: readonly string[];
  /** Ids of the points of a session that nothing disturbs. */
  readonly all: readonly string[];
}

async function stoppedBefore(
  name: ScenarioName,
  isLast: (operation: StorageOperation) => boolean,
): Promise<Stopped> {
  const scenario = await prepareScenario(name);
  const undisturbed = scenario.target.clone();
  await begin(scenario, undisturbed, 1).toEnd();
  const last = undisturbed.operations.findLast(isLast);
  const crash = { atOperation: last?.number ?? 0, when: 'before' } as const;
  const crashing = scenario.target.clone({ crash });
  await expect(begin(scenario, crashing, 1).toEnd()).rejects.toThrow(WorkerDeath);
  const target = crashing.restart({ kind: 'none' });
  return {
    scenario,
    target,
    files: (await filesBelow(target, scenario.chain)).sort(),
    committed: (await readShownPoints(target, scenario)).shown,
    all: (await readShownPoints(undisturbed, scenario)).shown,
  };
}

async function filesBelow(target: SimulatedRepository, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { type, path } of await target.list(folder))
    files.push(...(type === 'folder' ? await filesBelow(target, path) : [path]));
  return files;
}

async function damaged(
  { target }: Stopped,
  path: string,
  damage: Damage,
): Promise<SimulatedRepository> {
  const next = target.clone();
  const file = await next.openWrite(path, 'existing');
  const bytes = Buffer.alloc((await file.stamp()).sizeBytes);
  await file.read(bytes, 0);
  await file.truncate(0);
  await file.write(damage(bytes), 0);
  await file.close();
  next.settleAll();
  return next;
}

function begin(
  { change, source }: Scenario,
  target: SimulatedRepository,
  number: number,
): ChangeRun {
  return ChangeRun.begin(change, source, target, { number });
}

/** What a session says of a copy in which a file has another length: it lets nothing go. */
const TOLD = /"result":"warning".*a file of the chain cannot be read just now; \S+ has \d+ bytes/;

/** `well`, `told`, or how the task ended: its code, or words when it has none. */
async function outcomeOf(
  { scenario }: Stopped,
  target: SimulatedRepository,
  session: number,
): Promise<string> {
  const end = await begin(scenario, target, session).toEnd();
  if (end === null) return 'well';
  const codes = [...end.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code]) => code ?? '');
  return codes.find(isErrorCode) ?? (TOLD.test(end) ? 'told' : `no code: ${end}`);
}

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
    stopped = await stoppedBefore(name, isLast);
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
