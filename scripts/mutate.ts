import { mkdirSync, readFileSync, realpathSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';

/** Changes the given files in one place after the other, runs the nearest tests each time, and prints the changes that no test noticed.
 *  `npm run mutate -- src/domain/retention/gfs.ts src/chain`: files, folders or patterns; `src/domain/retention/gfs.ts:10-40` for these lines alone.
 *  `--tests test/unit/cli` takes these tests instead of the nearest, `--concurrency 2` more processes; `--sample 20` tries about 20 of 100
 *  changes, always the same ones. */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    tests: { type: 'string', multiple: true },
    concurrency: { type: 'string', default: '1' },
    sample: { type: 'string', default: '100' },
  },
});

/** Ignored by git. By its real path, because the test runner compares paths. */
mkdirSync('.cache/mutation', { recursive: true });
const FOLDER = realpathSync('.cache/mutation');
/** Sessions and movers in the process of the test, in seconds: in another process or thread a change is never switched on. */
const IN_PROCESS = [
  'test/integration/mover',
  'test/integration/living/{copy-of-a-copy,protected-points,replaced-source,rewritten-source,session-rules,verified-points}.test.ts',
];
/** Tests of a layer that lie elsewhere than in `test/unit/<layer>`. */
const NEAREST: Readonly<Record<string, readonly string[]>> = {
  repository: ['test/unit/repository', 'test/conformance'],
  mover: ['test/unit/mover', ...IN_PROCESS],
  workflows: IN_PROCESS,
};
/** Texts are for people, and the compiler holds those that are names. */
const NOT_CHANGED = ['StringLiteral'];

/** A plugin: some of the changes instead of all. */
const SAMPLE = resolve('scripts/mutation-sample.mjs');
const { isDrawn } = (await import(SAMPLE)) as {
  isDrawn: (change: Mutant, percent: number) => boolean;
};
const samplePercent = Number(values.sample);

type Mutant = Awaited<ReturnType<Stryker['runMutationTest']>>[number];

if (positionals.length === 0)
  throw new Error('name the files: npm run mutate -- src/domain/retention/gfs.ts');
const mutants = await new Stryker({
  mutate: positionals.map((place) => filesOf(place, '*.ts')),
  testFiles: (values.tests ?? positionals.flatMap(nearestTests)).map((place) =>
    filesOf(place, '*.test.ts'),
  ),
  testRunner: 'vitest',
  // Found by its name: plugins are looked for where Stryker lies, which is not always beside them.
  plugins: ['@stryker-mutator/vitest-runner', SAMPLE],
  vitest: { configFile: 'scripts/mutation-tests.config.ts', related: false },
  concurrency: Number(values.concurrency),
  checkers: samplePercent < 100 ? ['sample'] : [],
  // The share is an option of the plugin, which Stryker does not know and would warn of.
  ...{ samplePercent, warnings: false },
  // Code that counts how often it runs is slow where it looks at every byte.
  dryRunTimeoutMinutes: 20,
  // A test that is slow because the machine is busy has noticed nothing.
  timeoutMS: 15_000,
  mutator: { excludedMutations: NOT_CHANGED },
  // What runs when a file is loaded: the runner (9.6) does not switch it on and calls it survived; seen by hand at constants with a test.
  ignoreStatic: true,
  ignorePatterns: ['dist', '.cache', 'state'],
  tempDirName: `${FOLDER}/sandbox`,
  cleanTempDir: 'always',
  reporters: ['progress-append-only', 'json'],
  jsonReporter: { fileName: `${FOLDER}/report.json` },
  allowConsoleColors: false,
}).runMutationTest();
print(mutants);

/** A folder stands for all files in it. */
function filesOf(place: string, pattern: string): string {
  return /\.ts\b|[*{]/.test(place) ? place : join(place, '**', pattern);
}

function nearestTests(place: string): readonly string[] {
  const [top = '', layer = ''] = place.split('/');
  const name = top === 'src' ? layer : top;
  return NEAREST[name] ?? [`test/unit/${name}`];
}

function print(all: readonly Mutant[]): void {
  const noticed = all.filter(({ status }) => status === 'Killed' || status === 'Timeout');
  // What no test comes to is never asked for its place in the sample.
  const missed = all.filter(
    (mutant) =>
      mutant.status === 'Survived' ||
      (mutant.status === 'NoCoverage' && isDrawn(mutant, samplePercent)),
  );
  for (const mutant of missed) console.log(described(mutant));
  const count = noticed.length + missed.length;
  const score =
    count === 0 ? 'nothing to change' : `${((noticed.length / count) * 100).toFixed(1)} %`;
  const late = noticed.filter(({ status }) => status === 'Timeout').length;
  console.log(
    `\n${score}: ${noticed.length} of ${count} changes noticed, ${late} by taking too long`,
  );
}

/** `file:line: what stands there → what was put in its place`, each on one line. */
function described({ fileName, location, replacement, status }: Mutant): string {
  const lines = readFileSync(fileName, 'utf8').split('\n');
  const { start, end } = location;
  const taken = lines.slice(start.line - 1, end.line);
  taken[taken.length - 1] = taken.at(-1)!.slice(0, end.column - 1);
  taken[0] = taken[0]!.slice(start.column - 1);
  const place = `${relative('.', fileName)}:${start.line}`;
  const unread = status === 'NoCoverage' ? ' (no test comes here)' : '';
  return `${place}: ${oneLine(taken.join('\n'))} → ${oneLine(replacement ?? '')}${unread}`;
}

function oneLine(code: string): string {
  const text = code.replaceAll(/\s+/g, ' ').trim();
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}
