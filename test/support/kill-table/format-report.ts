import type { KillTally } from './kill-tally.js';
import type { ReportFacts } from './report.js';

export const FORMAT_HEADING = '## In other formats';

const INTRODUCTION = [
  FORMAT_HEADING,
  '',
  'The same changes of chains of other formats: `npm run kill-table -- --format vhdx`. Sources are made from the images of qemu-img, in files of the format, under names of',
  'the tests’ own (`test/support/kill-table/machine-formats.ts`): what is stopped is the work on the copy, and that knows a source by its format alone. What is read is compared',
  'with what `qemu-img convert` read from those images, and of `vma` and `ova`, which are copied as they are, with the file. In these formats nothing is merged in place, so',
  'the scenarios take the way of a synthetic full; where each point is a full, those go away that need increments. *Looked*: stops after which a tool of its own read the',
  'copy too: qemu-img (`vmdk`, and the qcow2 increments of `raw`), libvhdi (`vhd`, and `vhdx` where every increment holds a block in part), a reader of streams (`virtnbd`).',
  '*Every*: at every how many operations of each scenario; two stops follow each other with larger gaps.',
  '',
];

const HEAD =
  '| Format | Run on | Every | Minutes | Scenarios | Stops | Looked | Points read | Points lost | Wrong ends |';

/** The section of docs/RELIABILITY.md about the other formats, with the row of this one written anew.
 *  @param page the page as it is, of which the rows of the others stay */
export function formatReport(
  page: string,
  format: string,
  tally: KillTally,
  facts: ReportFacts,
): string {
  const { positions, witnessed, pointsRead, lost, wrong } = tally.total;
  const counts = [positions, witnessed, pointsRead, lost, wrong];
  const own = [
    ...[`\`${format}\``, facts.date, String(facts.every)],
    ...[String(Math.max(1, Math.round(facts.durationMs / 60_000))), String(tally.rows.size)],
    ...counts.map((count) => count.toLocaleString('en-US')),
  ];
  const start = page.indexOf(`\n${FORMAT_HEADING}\n`);
  const section = start < 0 ? '' : page.slice(start).split('\n## ', 3).slice(0, 2).join('\n## ');
  const others = section.split('\n').filter((line) => /^\| `/.test(line));
  const rows = others.filter((line) => !line.startsWith(`| \`${format}\` `));
  rows.push(`| ${own.join(' | ')} |`);
  const rule = HEAD.replaceAll(/[^|]+/g, ' --- ');
  return [...INTRODUCTION, HEAD, rule, ...rows.sort(), ''].join('\n');
}
