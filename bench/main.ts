import { mkdir, mkdtemp, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isBackupError } from '../src/domain/errors.js';
import { mayDropPageCache } from './cold-cache.js';
import { FIRST_FULL, incrementSuite, memoryIncrementSuite, scanSuite } from './copy-suites.js';
import { coldFullCopySuite, fullCopySuite, memoryFullCopySuite } from './full-copy-suites.js';
import { formatSuite } from './format-suite.js';
import { growthSuite } from './growth-suite.js';
import { killGoals } from './kill-suite.js';
import { machineFacts } from './machine-facts.js';
import { mergeSuite, syntheticFullSuite, verifySuite } from './maintenance-suites.js';
import { reportText, writeReport, type BenchReport } from './report.js';
import {
  limitGoal,
  seriesTogether,
  suiteResult,
  type GoalResult,
  type SuiteResult,
} from './results.js';
import { measureRetentionPlanning } from './retention-planning.js';
import { median, runRounds } from './rounds.js';
import { measureSessionOverhead } from './session-overhead.js';
import {
  makeLargeFull,
  makeSourceChains,
  type BenchSizes,
  type LargeFull,
  type SourceChains,
} from './source-chains.js';
import { restoreSuite, thinRestoreSuite } from './restore-suites.js';
import { manyFilesSuite, millionFilesSuite } from './many-files.js';
import { OwnCase, type BenchSite, type Suite } from './suite.js';
import { thinSuite } from './thin-suite.js';

const SUITES: Record<string, (site: BenchSite) => Promise<Suite>> = {
  full: fullCopySuite,
  memory: memoryFullCopySuite,
  increment: incrementSuite,
  'memory-increment': memoryIncrementSuite,
  scan: scanSuite,
  merge: mergeSuite,
  synthetic: syntheticFullSuite,
  verify: verifySuite,
  restore: restoreSuite,
  cold: coldFullCopySuite,
  'thin-restore': thinRestoreSuite,
  thin: thinSuite,
  growth: growthSuite,
  formats: formatSuite,
  files: manyFilesSuite,
  'million-files': millionFilesSuite,
};

const SIZES: BenchSizes = { diskMiB: 4096, dataMiB: 512, changedPart: 0.02 };
const LARGE = { diskMiB: 6144, dataMiB: 3584 };
/** Cases that copy the large full. */
const LARGE_CASES = ['full', 'cold'];
const ROUNDS = 5;
/** Of a large full each takes ten seconds and more, and is the steadier for it. */
const LARGE_ROUNDS = 3;

const ROOT = join(import.meta.dirname, '..', '..');

/** `npm run bench [-- --full] [--only <case>] [--json]`: measures Longhaul against the tools that a user would pick instead. A run of all cases
 *  writes its part of docs/PERFORMANCE.md. Exit status 1: a goal was missed twice. */
const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const CASES = [...Object.keys(SUITES), 'retention', 'session', 'sigkill'];
/** Without `--full` only by name: no goal hangs on them. */
const LONG_CASES = ['thin-restore', 'thin', 'growth', 'million-files', 'sigkill'];
const usual = values.full ? CASES : CASES.filter((name) => !LONG_CASES.includes(name));
const chosen = values.only === undefined ? usual : [values.only];
for (const name of chosen)
  if (!CASES.includes(name)) throw new Error(`--only takes one of ${CASES.join(', ')}`);

const folder = join(ROOT, '.cache', 'bench');
const memoryFolder = await folderInMemory();
await rm(folder, { recursive: true, force: true });
try {
  const report = await runBench();
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 1)}\n` : reportText(report));
  const part = values.full ? 'full' : 'usual';
  if (values.only === undefined)
    await writeReport(join(ROOT, 'docs', 'PERFORMANCE.md'), report, part);
  process.exitCode = isMissed(report) ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
  if (memoryFolder !== null) await rm(memoryFolder, { recursive: true, force: true });
}

/** null: there is no file system in memory, or no room in it. */
async function folderInMemory(): Promise<string | null> {
  const TMPFS = 0x01021994; // linux/magic.h
  const NEEDED_BYTES = 4 * SIZES.dataMiB * 1024 * 1024;
  const found = await statfs('/dev/shm').catch(() => null);
  if (found?.type !== TMPFS || found.bavail * found.bsize < NEEDED_BYTES) return null;
  return mkdtemp('/dev/shm/longhaul-bench-');
}

async function runBench(): Promise<BenchReport> {
  say('making test data');
  const sources = await makeSourceChains(join(folder, 'sources'), SIZES);
  const large = chosen.some((name) => LARGE_CASES.includes(name))
    ? await makeLargeFull(join(folder, 'large'), LARGE)
    : { folder: '', full: '', dataMiB: 0 };
  const results: SuiteResult[] = [];
  for (const name of chosen) {
    if (!(name in SUITES)) continue;
    const reason = await whyLeftOut(name);
    if (reason === null) results.push(await measure(name, sources, large));
    else results.push(leftOut(name, reason));
  }
  const cases = results.flatMap((result) => result.cases);
  const goals = results.flatMap((result) => result.goals);
  if (chosen.includes('retention')) goals.push(retentionGoal());
  if (chosen.includes('session')) goals.push(...(await sessionGoals(sources)));
  if (chosen.includes('sigkill')) {
    say('measuring sigkill');
    goals.push(...(await killGoals(join(folder, 'sigkill'), sources.clustered)));
  }
  return {
    date: new Date().toISOString(),
    command: ['npm run bench', ...(values.full ? ['-- --full'] : [])].join(' '),
    machine: await machineFacts(folder),
    data: `a disk of ${SIZES.diskMiB} MiB with ${SIZES.dataMiB} MiB of data in qcow2, increments of ${(sources.changedBytes / 1024 ** 2).toFixed(0)} MiB; fulls on disk of ${LARGE.dataMiB} MiB; sources in the page cache unless it says cold; SHA-256 unless it says BLAKE3; every clock stops when the output is durable`,
    goals,
    cases,
  };
}

async function whyLeftOut(name: string): Promise<string | null> {
  if (name === 'cold' && !(await mayDropPageCache()))
    return 'this user may not drop the page cache';
  const needsMemory = ['memory', 'memory-increment', 'thin'].includes(name);
  return needsMemory && memoryFolder === null ? 'no file system in memory has the room' : null;
}

function leftOut(name: string, reason: string): SuiteResult {
  const result = { goal: name, measured: 'not measured', limit: null, note: reason };
  return { goals: [{ ...result, state: 'shown' }], cases: [] };
}

/** One that cannot be measured is missed, and takes nothing from what the others show. */
async function measure(
  name: string,
  sources: SourceChains,
  large: LargeFull,
): Promise<SuiteResult> {
  try {
    return await runTwiceIfMissed(name, sources, large);
  } catch (error) {
    const note = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    console.error(error);
    const result = { goal: name, measured: 'failed', limit: null, note };
    return { goals: [{ ...result, state: 'missed' }], cases: [] };
  }
}

async function runTwiceIfMissed(
  name: string,
  sources: SourceChains,
  large: LargeFull,
): Promise<SuiteResult> {
  const result = await runSuite(name, sources, large);
  return isMissed(result) ? seriesTogether(result, await runSuite(name, sources, large)) : result;
}

async function runSuite(
  name: string,
  sources: SourceChains,
  large: LargeFull,
): Promise<SuiteResult> {
  say(`measuring ${name}`);
  const site = {
    folder: join(folder, name),
    memoryFolder: memoryFolder === null ? null : join(memoryFolder, name),
    sources,
    large,
    withAllPeers: values.full,
  };
  await mkdir(site.folder, { recursive: true });
  if (site.memoryFolder !== null) await mkdir(site.memoryFolder, { recursive: true });
  const suite = await SUITES[name]!(site);
  try {
    const rounds = await runRounds(suite.own, suite.peers, {
      count: LARGE_CASES.includes(name) ? LARGE_ROUNDS : ROUNDS,
      pids: suite.own.map(({ mover }) => mover.pid),
      touchMiB: suite.touchMiB ?? (2 * sources.dataBytes) / 1024 ** 2,
      beforeCase: suite.beforeCase,
      diskFolder: suite.isInMemory === true ? null : folder,
    });
    return await suiteResult(suite, rounds);
  } finally {
    for (const { mover } of suite.own) await mover.close();
    await rm(site.folder, { recursive: true, force: true });
    if (site.memoryFolder !== null) await rm(site.memoryFolder, { recursive: true, force: true });
  }
}

function isMissed({ goals }: { readonly goals: readonly GoalResult[] }): boolean {
  return goals.some(({ state }) => state === 'missed');
}

function retentionGoal(): GoalResult {
  say('measuring retention');
  const { medianMs, firstMs } = measureRetentionPlanning();
  const note = `the first time ${firstMs.toFixed(0)} ms`;
  return limitGoal('Retention planning of 10,000 points', medianMs, 50, 'ms', note);
}

async function sessionGoals(sources: SourceChains): Promise<GoalResult[]> {
  say('measuring session');
  try {
    const copySeconds = await smallFullSeconds(sources);
    const overhead = await measureSessionOverhead(join(folder, 'session'), sources, copySeconds);
    const ms = (seconds: number) => `${(seconds * 1000).toFixed(0)} ms`;
    const derived = `derived: ${ms(overhead.fixedSeconds)} once and ${ms(overhead.batchSeconds)} for each GiB`;
    const percent = overhead.partOfFiveMinutes * 100;
    return [
      limitGoal('Session with nothing to copy', overhead.emptySeconds, 2, 's', ''),
      limitGoal('Overhead of a session, of a copy of 5 minutes', percent, 3, '%', derived),
    ];
  } catch (error) {
    if (!isBackupError(error, 'TEMPORAL_BINARY_MISSING')) throw error;
    say('no Temporal program was found: sessions are not measured');
    return [];
  }
}

/** The data mover alone, for the full that the sessions copy. */
async function smallFullSeconds({ clustered, full }: SourceChains): Promise<number> {
  const targetFolder = join(folder, 'alone');
  await mkdir(targetFolder);
  const own = await OwnCase.start(
    { folder: targetFolder },
    {
      name: 'alone',
      source: clustered,
      command: FIRST_FULL,
      before: ({ mover }) => mover.do({ type: 'keepOldest', count: 0 }),
      expected: full,
    },
  );
  const seconds: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    await own.prepare();
    seconds.push(await own.run());
  }
  await own.mover.close();
  return median(seconds);
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
