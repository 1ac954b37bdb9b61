import { execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { described, filesOf, isDrawn, switchedCode, type Change } from './mutation/changes.js';
import {
  append,
  FOLDER_VARIABLE,
  LOADED,
  noticedIn,
  ONCE,
  PLAN,
  readLines,
  REACHES,
  TRIALS,
  type Plan,
  type Reach,
  type Trial,
} from './mutation/tried-tests.js';

/** Changes the given files in one place after the other, runs the tests that come there each time, and prints the changes that none noticed.
 *  `npm run mutate -- src/domain/retention/gfs.ts src/chain`: files or folders; `src/domain/retention/gfs.ts:10-40` for these lines alone.
 *  `--tests test/unit/cli` takes these tests instead of all; `--sample 20` tries about 20 of 100 changes, always the same ones.
 *
 *  Code and tests are loaded once, and one change after the other is switched on in that process. So changes in code that runs in another process
 *  or thread, or only while a file is loaded, are never switched on: those are counted apart or as missed. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', multiple: true },
    sample: { type: 'string', default: '100' },
  },
});

/** Ignored by git. */
const FOLDER = resolve('.cache/mutation');
const TREE = join(FOLDER, 'tree');
/** All that run in the process of the test: of the others sessions and movers that take seconds. */
const IN_PROCESS = [
  'test/unit',
  'test/conformance',
  'test/integration/mover',
  ...[
    ...['copy-of-a-copy', 'protected-points', 'replaced-source', 'rewritten-source'],
    ...['session-rules', 'verified-points'],
  ].map((name) => `test/integration/living/${name}.test.ts`),
];
/** A change after which no test ends and none begins for so long. */
const STUCK_AFTER_MS = 120_000;

if (positionals.length === 0)
  throw new Error('name the files: npm run mutate -- src/domain/retention/gfs.ts');
const percent = Number(values.sample);
const { changes, files } = await switchedCode(positionals);
const drawn = changes.filter((change) => isDrawn(change, percent));
const tests = values.tests ?? IN_PROCESS;
rmSync(FOLDER, { recursive: true, force: true });
copyTree();
for (const { name, content } of files) writeFileSync(copyOf(name), content);
const plan = {
  drawn: drawn.map(({ id }) => id),
  tests: tests.flatMap((place) => filesOf(place, '.test.ts').map(copyOf)),
};
await runTests({ ...plan, step: 'reach' });
const reaches = readLines<Reach>(FOLDER, REACHES);
if (reaches.length === 0) throw new Error('no test has run');
const isDrawnId = new Set(plan.drawn);
const trying = reaches.filter(({ hits }) => Object.keys(hits).some((id) => isDrawnId.has(id)));
const touched = { ...plan, tests: [...new Set(trying.map(({ file }) => file))] };
while (!(await runTests({ ...touched, step: 'tryQuick' })));
while (!(await runTests({ ...touched, step: 'trySlow' })));
print();

/** What git knows, or would, so that bundles of workflows are made of the changed code too. */
function copyTree(): void {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const paths = execFileSync('git', args, { encoding: 'utf8' }).split('\0').filter(existsSync);
  for (const path of paths) cpSync(path, join(TREE, path));
  symlinkSync(resolve('node_modules'), join(TREE, 'node_modules'));
}

function copyOf(path: string): string {
  return join(TREE, relative('.', path));
}

/** Resolves when the tests have ended: true, or false when a change has kept them from it; that one is noted as noticed. */
async function runTests(planOfStep: Plan): Promise<boolean> {
  writeFileSync(join(FOLDER, PLAN), JSON.stringify(planOfStep));
  const which =
    planOfStep.step === 'reach' ? ['related', ...files.map(({ name }) => copyOf(name))] : [];
  const args = [...which, '--run', '--config', 'scripts/mutation/tests.config.ts'];
  const child = spawn(resolve('node_modules/.bin/vitest'), args, {
    env: { ...process.env, [FOLDER_VARIABLE]: FOLDER, NODE_OPTIONS: '--no-warnings' },
    cwd: TREE,
    stdio: ['ignore', 'ignore', 'inherit'],
    detached: true,
  });
  let ended = false;
  child.once('exit', () => (ended = true));
  while (!ended && !isStuck(planOfStep)) await sleep(500);
  if (!ended) process.kill(-child.pid!, 'SIGKILL');
  if (planOfStep.step === 'reach') return ended;
  // What ended the process, or the tests, is the change that was tried last.
  const last = readLines<Trial>(FOLDER, TRIALS).at(-1);
  const broke = !ended || child.signalCode !== null;
  if (broke && last?.state === 'trying')
    append(FOLDER, TRIALS, { change: last.change, state: 'late' });
  return !broke;
}

function isStuck({ step }: Plan): boolean {
  if (step === 'reach') return false;
  const { mtimeMs } = statSync(join(FOLDER, TRIALS), { throwIfNoEntry: false }) ?? {};
  return mtimeMs !== undefined && Date.now() - mtimeMs > STUCK_AFTER_MS;
}

function print(): void {
  for (const { title } of reaches.filter(({ passed }) => !passed))
    console.log(`left out, it fails without any change: ${title}`);
  for (const [title] of readLines<readonly string[]>(FOLDER, ONCE))
    console.log(`left out, it fails when it is run twice: ${title}`);
  const trials = readLines<Trial>(FOLDER, TRIALS);
  const noticed = noticedIn(trials);
  const reached = new Set(reaches.flatMap(({ hits }) => Object.keys(hits)));
  const loaded = new Set(readLines<readonly string[]>(FOLDER, LOADED).flat());
  const isLoadedOnly = ({ id }: Change): boolean => loaded.has(id) && !reached.has(id);
  const counted = drawn.filter((change) => !isLoadedOnly(change));
  const missed = counted.filter(({ id }) => !noticed.has(id));
  for (const change of missed)
    console.log(`${described(change)}${reached.has(change.id) ? '' : ' (no test comes here)'}`);
  const late = trials.filter(({ state }) => state === 'late').length;
  console.log('');
  for (const folder of new Set(counted.map(layerOf)))
    console.log(`${scoreOf(counted.filter((change) => layerOf(change) === folder))} in ${folder}`);
  console.log(`${scoreOf(counted)} noticed, ${late} by taking too long`);

  function scoreOf(these: readonly Change[]): string {
    const found = these.filter(({ id }) => noticed.has(id)).length;
    return `${((found / these.length) * 100).toFixed(1)} %: ${found} of ${these.length} changes`;
  }
}

/** `src/<layer>`, or `workflows`. */
function layerOf({ fileName }: Change): string {
  const [top = '', layer = ''] = relative('.', fileName).split('/');
  return top === 'src' ? `${top}/${layer}` : top;
}
