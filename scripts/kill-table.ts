import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { KillTally } from '../test/support/kill-table/kill-tally.js';
import {
  tryBrokenOnPurpose,
  tryPlan,
  wholePlan,
  type BrokenRun,
} from '../test/support/kill-table/kill-table.js';
import { APART_HEADING, apartReport } from '../test/support/kill-table/apart-report.js';
import { FORMAT_HEADING, formatReport } from '../test/support/kill-table/format-report.js';
import { wholeFormatPlan } from '../test/support/kill-table/format-table.js';
import { formatNamed } from '../test/support/kill-table/machine-formats.js';
import { makeMachinesKnown } from '../test/support/kill-table/machine-layout.js';
import {
  reliabilityReport,
  STORE_HEADING,
  type ReportFacts,
  storeReport,
} from '../test/support/kill-table/report.js';
import {
  tryStoreBroken,
  tryStorePlan,
  wholeStorePlan,
} from '../test/support/kill-table/store-table.js';
import type { Part } from '../test/support/kill-table/try-positions.js';

/** Tries the kill table, prints it and writes docs/RELIABILITY.md; of some scenarios it only prints.
 *  `npm run kill-table -- --every 5` stops at every fifth operation, `--only merge` takes the scenarios with that word in their name,
 *  and with `--enter` writes their rows into the section of what was tried apart.
 *  One process for each processor takes its part of the positions. `--objects` tries the requests of an object store instead, and writes the
 *  section about it; `--format vhdx` tries a chain of that format instead, and writes its row in the section about formats. */
const REPORT = fileURLToPath(new URL('../docs/RELIABILITY.md', import.meta.url));
const { values } = parseArgs({
  options: {
    every: { type: 'string', default: '1' },
    only: { type: 'string' },
    // Of directories alone: beside the rows of the last run of all.
    enter: { type: 'boolean', default: false },
    // Instead: the requests that an object store is asked for.
    objects: { type: 'boolean', default: false },
    // Instead: what qcow2 is tried with, of a chain of this format.
    format: { type: 'string' },
    // Given to the processes that share the work.
    part: { type: 'string' },
  },
});
const every = Number(values.every);
const { only } = values;
const chains = values.format === undefined ? null : formatNamed(values.format);
if (values.enter && (only === undefined || values.objects || chains !== null))
  throw new Error('--enter goes with --only, and with scenarios of directories alone');
if (!Number.isInteger(every) || every < 1)
  throw new Error('--every takes a whole number from 1 on');
const startedMs = Date.now();

interface PartResult {
  /** With maps: sent as structured clones. */
  readonly tally: Pick<KillTally, 'rows' | 'steps' | 'findings'>;
  readonly broken: readonly {
    readonly name: string;
    readonly scenario: BrokenRun['scenario'];
    readonly tally: PartResult['tally'];
  }[];
}

if (values.part === undefined) await tryAll();
else await tryPart(JSON.parse(values.part) as Part);

async function tryAll(): Promise<void> {
  const count = availableParallelism();
  const results = await Promise.all(
    Array.from({ length: count }, (_, index) => partResult({ index, count })),
  );
  const tally = new KillTally();
  for (const part of results) tally.merge(part.tally);
  const broken = results
    .flatMap((part) => part.broken)
    .map((run) => ({ ...run, tally: tallyOf(run.tally) }));

  const processors = cpus();
  const facts = {
    date: new Date(startedMs).toISOString().slice(0, 10),
    machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node.js ${process.version}`,
    durationMs: Date.now() - startedMs,
    every,
  };
  const text = await format(reportOf(tally, broken, facts), { parser: 'markdown' });
  console.log(text);
  if (only === undefined || values.enter) writeFileSync(REPORT, pageWith(text));

  for (const finding of tally.findings) console.error(finding);
  const isCaught = broken.every((run) => run.tally.total.lost > 0);
  if (tally.total.lost + tally.total.wrong > 0 || !isCaught) process.exitCode = 1;
}

function reportOf(tally: KillTally, broken: readonly BrokenRun[], facts: ReportFacts): string {
  if (values.enter) return apartReport(readFileSync(REPORT, 'utf8'), tally, facts);
  if (chains !== null) return formatReport(readFileSync(REPORT, 'utf8'), chains.id, tally, facts);
  return (values.objects ? storeReport : reliabilityReport)(tally, broken, facts);
}

/** The page with this part of it written anew. What `npm run mutate` printed lies behind the kill tables, and stays. */
function pageWith(text: string): string {
  const page = readFileSync(REPORT, 'utf8');
  const byHand = placeOf(page, '\n## Changes of the code that tests notice\n');
  const formats = Math.min(byHand, placeOf(page, `\n${FORMAT_HEADING}\n`));
  const store = Math.min(formats, placeOf(page, `\n${STORE_HEADING}\n`));
  const apart = Math.min(store, placeOf(page, `\n${APART_HEADING}\n`));
  if (values.enter) return `${page.slice(0, apart)}\n${text}${page.slice(store)}`;
  if (chains !== null) return `${page.slice(0, formats)}\n${text}${page.slice(byHand)}`;
  if (values.objects) return `${page.slice(0, store)}\n${text}${page.slice(formats)}`;
  return text + page.slice(store);
}

function placeOf(page: string, heading: string): number {
  const place = page.indexOf(heading);
  return place < 0 ? page.length : place;
}

function tallyOf(counted: PartResult['tally']): KillTally {
  const tally = new KillTally();
  tally.merge(counted);
  return tally;
}

async function partResult(part: Part): Promise<PartResult> {
  const args = [...process.argv.slice(2), '--part', JSON.stringify(part)];
  const child = fork(fileURLToPath(import.meta.url), args, { serialization: 'advanced' });
  let result: PartResult | undefined;
  child.on('message', (message) => (result = message as PartResult));
  await once(child, 'exit');
  if (result === undefined) throw new Error(`part ${part.index} ended without a result`);
  return result;
}

async function tryPart(part: Part): Promise<void> {
  const elapsed = () => `${Math.round((Date.now() - startedMs) / 1000)} s, part ${part.index}`;
  const isWanted = ([name]: readonly [string, ...unknown[]]) =>
    only === undefined || name.includes(only);
  const tally = new KillTally();
  // What was found until now, so that a run which is ended before its end has said something.
  let told = 0;
  const begin = (name: string) => {
    const { positions, pointsRead, lost, wrong } = tally.total;
    for (const finding of tally.findings.slice(told)) console.error(finding);
    told = tally.findings.length;
    const soFar = `${positions} stops, ${pointsRead} points read, ${lost} lost, ${wrong} wrong ends`;
    console.error(`${elapsed()}: ${soFar}; ${name}`);
  };
  if (values.objects)
    await tryStorePlan(wholeStorePlan(every).filter(isWanted), part, tally, begin);
  else if (chains === null) await tryPlan(wholePlan(every).filter(isWanted), part, tally, begin);
  else {
    makeMachinesKnown(chains.id);
    const plan = wholeFormatPlan(chains, every).filter(isWanted);
    await tryPlan(plan, part, tally, begin, chains);
  }
  begin('broken on purpose');
  const tryBroken = values.objects ? tryStoreBroken : tryBrokenOnPurpose;
  const broken = only === undefined && chains === null ? await tryBroken(part) : [];
  process.send!({ tally, broken } satisfies PartResult, () => process.disconnect());
}
