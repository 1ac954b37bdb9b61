import type { KillTally } from './kill-tally.js';
import { SCENARIO_HEAD, scenarioRows, table, type ReportFacts } from './report.js';

export const APART_HEADING = '## Scenarios that were tried apart';

const INTRODUCTION = [
  APART_HEADING,
  '',
  'Scenarios that the run above does not have yet, or whose steps have changed since: `npm run kill-table -- --only "by an operator" --enter`. The next run of all of them takes their place.',
  '*Every*: at every how many operations; a run of all takes each one.',
  '',
];

/** The section of docs/RELIABILITY.md about scenarios that were run by themselves, with the rows of those in `tally` written anew.
 *  @param page the page as it is, of which the rows of the others stay */
export function apartReport(page: string, tally: KillTally, facts: ReportFacts): string {
  const own = scenarioRows(tally).map(([scenario = '', then = '', ...counts]) => [
    ...[scenario, then, facts.date, String(facts.every)],
    ...counts,
  ]);
  const others = rowsIn(page).filter(([scenario = '']) => !tally.rows.has(scenario));
  const rows = [...others, ...own].sort((a, b) => (a.join('|') < b.join('|') ? -1 : 1));
  const [scenario = '', then = '', ...counted] = SCENARIO_HEAD;
  const head = [scenario, then, 'Run on', 'Every', ...counted];
  return [...INTRODUCTION, ...table(head, rows), ''].join('\n');
}

function rowsIn(page: string): string[][] {
  const start = page.indexOf(`\n${APART_HEADING}\n`);
  if (start < 0) return [];
  const [, section = ''] = page.slice(start).split('\n## ', 2);
  const lines = section.split('\n').filter((line) => line.startsWith('| '));
  const cells = lines.map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  // Behind the words over them and the rule below those.
  return cells.slice(2);
}
