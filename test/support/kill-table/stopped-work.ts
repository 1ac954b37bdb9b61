import { isErrorCode } from '../../../src/domain/errors.js';
import type { SimulatedRepository, StorageOperation } from '../repository/simulated-repository.js';
import { WorkerDeath } from '../workflows/local-server.js';
import { ChangeRun } from './change-run.js';
import { readShownPoints } from './read-points.js';
import { prepareScenario, type ScenarioName } from './scenarios.js';
import type { Scenario } from './try-positions.js';

type Damage = (bytes: Buffer) => Buffer;

/** What may have become of a file. */
export const DAMAGES: Record<string, Damage> = {
  empty: () => Buffer.alloc(0),
  'cut in half': (bytes) => bytes.subarray(0, Math.floor(bytes.length / 2)),
  'the word null': () => Buffer.from('null'),
  'of another shape': () => Buffer.from('{"token":[],"digest":"","content":{"disks":7}}'),
  'of another version': (bytes) =>
    Buffer.from(bytes.toString('latin1').replace('1', '7'), 'latin1'),
  garbage: (bytes) => bytes.map((byte, i) => (i % 3 === 0 ? byte ^ 0x5a : byte)) as Buffer,
};

/** A target in which a worker was killed. */
export interface Stopped {
  readonly scenario: Scenario;
  readonly target: SimulatedRepository;
  readonly files: readonly string[];
  /** Ids of the points that are committed. */
  readonly committed: readonly string[];
  /** Ids of the points of a session that nothing disturbs. */
  readonly all: readonly string[];
}

/** Kills the worker of a scenario before the operation that `place` picks of those of a session that nothing disturbs. */
export async function stoppedBefore(
  name: ScenarioName,
  place: (operations: readonly StorageOperation[]) => StorageOperation | undefined,
): Promise<Stopped> {
  const scenario = await prepareScenario(name);
  const undisturbed = scenario.target.clone();
  await begin(scenario, undisturbed, 1).toEnd();
  const operation = place(undisturbed.operations);
  if (operation === undefined) throw new Error(`${name} comes to no such place`);
  const crashing = scenario.target.clone({
    crash: { atOperation: operation.number, when: 'before' },
  });
  const death = await begin(scenario, crashing, 1)
    .toEnd()
    .catch((error: unknown) => error);
  if (!(death instanceof WorkerDeath)) throw new Error(`${name} was not stopped`);
  const target = crashing.restart({ kind: 'none' });
  return {
    scenario,
    target,
    files: (await filesBelow(target, scenario.chain)).sort(),
    committed: (await readShownPoints(target, scenario, scenario.damaged)).shown,
    all: (await readShownPoints(undisturbed, scenario)).shown,
  };
}

/** Paths of all files. */
export async function filesBelow(target: SimulatedRepository, folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const { type, path } of await target.list(folder))
    files.push(...(type === 'folder' ? await filesBelow(target, path) : [path]));
  return files;
}

/** A copy of the target in which this file is damaged. */
export async function damaged(
  { target }: Pick<Stopped, 'target'>,
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

/** The next session, as the scenario has it.
 *  @returns `well`, `told`, or how it ended: its code, or words when it has none */
export async function outcomeOf(
  { scenario }: Pick<Stopped, 'scenario'>,
  target: SimulatedRepository,
  session: number,
): Promise<string> {
  const end = await begin(scenario, target, session).toEnd();
  if (end === null) return 'well';
  const codes = [...end.matchAll(/"code":"([A-Z_]+)"/g)].map(([, code]) => code ?? '');
  return codes.find(isErrorCode) ?? (TOLD.test(end) ? 'told' : `no code: ${end}`);
}
