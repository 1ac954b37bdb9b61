import { readFile, writeFile } from 'node:fs/promises';
import type { CaseResult, GoalResult, SuiteResult } from './results.js';

export interface BenchReport extends SuiteResult {
  /** RFC 3339 UTC. */
  readonly date: string;
  readonly command: string;
  readonly machine: readonly string[];
  readonly data: string;
}

/** A run of each kind has a part of its own: what the long one alone measures stays until the next such run. */
const BEGINS = {
  usual: '<!-- Made by `npm run bench` from here -->',
  full: '<!-- Made by `npm run bench -- --full` from here -->',
} as const;
const END = '<!-- to here -->';

/** Puts the report in place of the last one of its kind in a document that holds the marks of that. */
export async function writeReport(
  path: string,
  report: BenchReport,
  part: keyof typeof BEGINS,
): Promise<void> {
  const text = await readFile(path, 'utf8');
  const mark = BEGINS[part];
  const begin = text.indexOf(mark);
  const end = text.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`${path} lacks the marks for the report`);
  const before = text.slice(0, begin + mark.length);
  await writeFile(path, `${before}\n\n${reportText(report)}\n${text.slice(end)}`);
}

/** The report as Markdown. */
export function reportText({ date, command, machine, data, goals, cases }: BenchReport): string {
  return [
    `Measured ${date.slice(0, 16).replace('T', ' ')} UTC by \`${command}\`.`,
    '',
    ...machine.map((line) => `- ${line}`),
    `- ${data}`,
    '',
    ...table(
      ['goal', 'limit', 'measured', 'spread', ''],
      goals.map(({ goal, limit, measured, note, state }) => [
        goal,
        limit ?? '',
        measured,
        note,
        STATE_TEXT[state],
      ]),
    ),
    '',
    ...(cases.length === 0 ? [] : [...table(CASE_HEAD, cases.map(caseRow)), '']),
  ].join('\n');
}

const CASE_HEAD = [
  'case',
  'seconds',
  'CPU seconds',
  '% of the disk’s speed',
  'peak MiB',
  'event-loop delay p99, ms',
];

function caseRow(entry: CaseResult): string[] {
  const figure = (value: number | null, digits: number) =>
    value === null || Number.isNaN(value) ? '' : value.toFixed(digits);
  return [
    entry.name,
    figure(entry.seconds, 3),
    figure(entry.cpuSeconds, 2),
    figure(entry.partOfDisk === null ? null : entry.partOfDisk * 100, 0),
    figure(entry.peakMemoryMiB, 0),
    figure(entry.eventLoopDelayMs, 1),
  ];
}

const STATE_TEXT: Record<GoalResult['state'], string> = {
  met: 'met',
  missed: '**missed**',
  shown: '',
  notMeasurable: 'not measurable',
};

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
