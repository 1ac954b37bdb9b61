import { writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { format } from 'prettier';
import { tryBrokenOnPurpose, tryPlan, wholePlan } from '../test/kill-table/kill-table.js';
import { reliabilityReport } from '../test/kill-table/report.js';

/** Tries the kill table, prints it and writes docs/RELIABILITY.md; of a part it only prints.
 *  `npm run kill-table -- --every 5` stops at every fifth operation, `--only merge` takes the scenarios with that word in their name. */
const REPORT = fileURLToPath(new URL('../docs/RELIABILITY.md', import.meta.url));
const { values } = parseArgs({
  options: { every: { type: 'string', default: '1' }, only: { type: 'string' } },
});
const every = Number(values.every);
const part = values.only;
if (!Number.isInteger(every) || every < 1)
  throw new Error('--every takes a whole number from 1 on');
const plan = wholePlan(every).filter(([name]) => part === undefined || name.includes(part));

const startedMs = Date.now();
const elapsed = () => `${Math.round((Date.now() - startedMs) / 1000)} s`;
const tally = await tryPlan(plan, (name) => console.error(`${elapsed()}: ${name}`));
console.error(`${elapsed()}: broken on purpose`);
const broken = part === undefined ? await tryBrokenOnPurpose() : [];

const processors = cpus();
const report = reliabilityReport(tally, broken, {
  date: new Date(startedMs).toISOString().slice(0, 10),
  machine: `${processors.length} × ${processors[0]?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node.js ${process.version}`,
  durationMs: Date.now() - startedMs,
  every,
});
const text = await format(report, { parser: 'markdown' });
console.log(text);
for (const finding of tally.findings) console.error(finding);
if (part === undefined) writeFileSync(REPORT, text);

const isCaught = broken.every((run) => run.tally.total.lost > 0);
if (tally.total.lost + tally.total.wrong > 0 || !isCaught) process.exitCode = 1;
