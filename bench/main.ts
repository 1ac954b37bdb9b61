import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { isBackupError } from '../src/domain/errors.js';
import { mayDropPageCache } from './cold-cache.js';
import { incrementSuite, scanSuite } from './copy-suites.js';
import { coldFullCopySuite, fullCopySuite } from './full-copy-suites.js';
import { growthSuite } from './growth-suite.js';
import { killGoals } from './kill-suite.js';
import { machineFacts } from './machine-facts.js';
import { mergeSuite, syntheticFullSuite, verifySuite } from './maintenance-suites.js';
import { reportText, writeReport, type BenchReport } from './report.js';
import { limitGoal, suiteResult, type GoalResult, type SuiteResult } from './results.js';
import { measureRetentionPlanning } from './retention-planning.js';
import { runRounds } from './rounds.js';
import { measureSessionOverhead } from './session-overhead.js';
import { makeSourceChains, type BenchSizes, type SourceChains } from './source-chains.js';
import type { BenchSite, Suite } from './suite.js';

const SUITES: Record<string, (site: BenchSite) => Promise<Suite>> = {
  full: fullCopySuite,
  increment: incrementSuite,
  scan: scanSuite,
  merge: mergeSuite,
  synthetic: syntheticFullSuite,
  verify: verifySuite,
  cold: coldFullCopySuite,
  growth: growthSuite,
};

const COLD_LEFT_OUT: SuiteResult = {
  goals: [
    {
      goal: 'Longhaul full, cold',
      measured: 'not measured',
      limit: null,
      state: 'shown',
      note: 'this user may not drop the page cache',
    },
  ],
  cases: [],
};

const DEFAULT_SIZES: BenchSizes = { diskMiB: 4096, dataMiB: 512, changedPart: 0.02 };
const FULL_SIZES: BenchSizes = { diskMiB: 6144, dataMiB: 3584, changedPart: 0.02 };
const ROUNDS = 5;
const FULL_ROUNDS = 7;

const ROOT = join(import.meta.dirname, '..', '..');

/** `npm run bench [-- --full] [--only <case>] [--json]`: measures Longhaul against the tools that a user would pick instead. A run of all cases
 *  writes docs/PERFORMANCE.md. Exit status 1: a goal was missed twice. */
const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const CASES = [...Object.keys(SUITES), 'retention', 'session', 'sigkill'];
/** Without `--full` only by name: they take long, or say little about a small disk. */
const LONG_CASES = ['cold', 'growth', 'sigkill'];
const usual = values.full ? CASES : CASES.filter((name) => !LONG_CASES.includes(name));
const chosen = values.only === undefined ? usual : [values.only];
for (const name of chosen)
  if (!CASES.includes(name)) throw new Error(`--only takes one of ${CASES.join(', ')}`);

const folder = join(ROOT, '.cache', 'bench');
await rm(folder, { recursive: true, force: true });
try {
  const report = await runBench(values.full ? FULL_SIZES : DEFAULT_SIZES);
  process.stdout.write(values.json ? `${JSON.stringify(report, null, 1)}\n` : reportText(report));
  if (values.only === undefined) await writeReport(join(ROOT, 'docs', 'PERFORMANCE.md'), report);
  process.exitCode = isMissed(report) ? 1 : 0;
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function runBench(sizes: BenchSizes): Promise<BenchReport> {
  say('making test data');
  const sources = await makeSourceChains(join(folder, 'sources'), sizes);
  const results: SuiteResult[] = [];
  for (const name of chosen) {
    if (name === 'cold' && !(await mayDropPageCache())) results.push(COLD_LEFT_OUT);
    else if (name in SUITES) results.push(await runTwiceIfMissed(name, sources));
  }
  const cases = results.flatMap((result) => result.cases);
  const goals = results.flatMap((result) => result.goals);
  if (chosen.includes('retention')) goals.push(retentionGoal());
  if (chosen.includes('session')) {
    const alone = cases.find(({ name }) => name === 'Longhaul full')?.seconds;
    const full = alone ?? (await runSuite('full', sources)).cases[0]!.seconds;
    goals.push(...(await sessionGoals(sources, full)));
  }
  if (chosen.includes('sigkill')) {
    say('measuring sigkill');
    goals.push(...(await killGoals(join(folder, 'sigkill'), sources.clustered)));
  }
  return {
    date: new Date().toISOString(),
    command: ['npm run bench', ...(values.full ? ['-- --full'] : [])].join(' '),
    machine: await machineFacts(folder),
    data: `a disk of ${sizes.diskMiB} MiB with ${sizes.dataMiB} MiB of data in qcow2, increments of ${(sources.changedBytes / 1024 ** 2).toFixed(0)} MiB; sources in the page cache unless it says cold; SHA-256; every clock stops when the output is durable`,
    goals,
    cases,
  };
}

async function runTwiceIfMissed(name: string, sources: SourceChains): Promise<SuiteResult> {
  const result = await runSuite(name, sources);
  return isMissed(result) ? runSuite(name, sources) : result;
}

async function runSuite(name: string, sources: SourceChains): Promise<SuiteResult> {
  say(`measuring ${name}`);
  const site = { folder: join(folder, name), sources, withAllPeers: values.full };
  await mkdir(site.folder, { recursive: true });
  const suite = await SUITES[name]!(site);
  try {
    const pids = suite.own.map(({ mover }) => mover.pid);
    const rounds = await runRounds([...suite.own, ...suite.peers], {
      count: values.full ? FULL_ROUNDS : ROUNDS,
      pids,
      touchMiB: sources.dataBytes / 1024 ** 2,
      beforeCase: suite.beforeCase,
    });
    return await suiteResult(suite, rounds);
  } finally {
    for (const { mover } of suite.own) await mover.close();
    await rm(site.folder, { recursive: true, force: true });
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

async function sessionGoals(sources: SourceChains, copySeconds: number): Promise<GoalResult[]> {
  say('measuring session');
  try {
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

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
