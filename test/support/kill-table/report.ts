import type { KillTally, TallyRow } from './kill-tally.js';
import type { BrokenRun } from './kill-table.js';

export interface ReportFacts {
  readonly date: string;
  readonly machine: string;
  readonly durationMs: number;
  /** At every how many operations the scenarios were stopped. */
  readonly every: number;
}

/** docs/RELIABILITY.md. */
export function reliabilityReport(
  tally: KillTally,
  broken: readonly BrokenRun[],
  facts: ReportFacts,
): string {
  const { positions, witnessed, pointsRead, lost, wrong } = tally.total;
  return [
    ...INTRODUCTION,
    `Written by \`npm run kill-table\` on ${facts.date}, in ${Math.round(facts.durationMs / 60_000)} minutes, on ${facts.machine}.`,
    facts.every === 1
      ? 'The scenarios were stopped at every storage operation; the chain of 6 that is copied as a whole, and the second stops, with gaps.'
      : `This run was stopped at one storage operation of the scenarios in ${facts.every} only.`,
    '',
    `**${text(positions)} stops, ${text(pointsRead)} restore points read back, ${text(lost)} lost, ${text(wrong)} wrong ends;** after ${text(witnessed)} of the stops qemu-img looked too.`,
    '',
    '## By scenario',
    '',
    ...scenarioTable(tally),
    '',
    '## By activity',
    '',
    ...activityTable(tally),
    '',
    ...BROKEN_INTRODUCTION,
    ...brokenTable(broken),
    '',
    ...LIMITS,
    '',
  ].join('\n');
}

/** The section of docs/RELIABILITY.md about an object store. */
export function storeReport(
  tally: KillTally,
  broken: readonly BrokenRun[],
  facts: ReportFacts,
): string {
  const { positions, pointsRead, lost, wrong } = tally.total;
  return [
    ...STORE_INTRODUCTION,
    `Written by \`npm run kill-table -- --objects\` on ${facts.date}, in ${Math.round(facts.durationMs / 60_000)} minutes, on ${facts.machine}.`,
    facts.every === 1
      ? 'Every request was tried; of the chain of 6 that is copied as a whole, and of the second stops, some.'
      : `This run tried one request of the scenarios in ${facts.every} only.`,
    '',
    `**${text(positions)} faults, ${text(pointsRead)} restore points read back, ${text(lost)} lost, ${text(wrong)} wrong ends.**`,
    '',
    ...storeScenarioTable(tally),
    '',
    ...activityTable(tally),
    '',
    ...brokenTable(broken),
    '',
  ].join('\n');
}

export const STORE_HEADING = '## On an object store';

const STORE_INTRODUCTION = [
  STORE_HEADING,
  '',
  'The same changes on a store of objects: keys, whole puts, conditions, no folders, no rename, no writes in the middle (simulated:',
  '`test/support/repository/simulated-object-store.ts`). There nothing is torn and no power cut takes what was answered; what goes wrong is a',
  'request. The process dies *before* it or *after* it; it is done but *unanswered*, and the caller lives on; it comes too *late*: the process',
  'died while it was under way, and it lands before the first, the fourth, the eighteenth or the sixty-second request of the recovery, or',
  'behind all of them; or it *lost a race*: somebody else had put the same bytes right before; or, of a put of the commit record or with a',
  'condition, its session is *overtaken*: between its look and this put the next session takes the chain over and does all its work, and what',
  'that shows has to stay; then the caller lives on, or dies once it has its answer. *Twice*: the process dies, and the next one while',
  'it recovers. Then the same session goes on or the next one takes over, and another one follows; points are read back before, between and',
  'at the end. A store has no update in place, so nothing is merged there: retention builds a full once as many points are outdated as are',
  'kept, and the scenarios say so in their names.',
  '',
];

function storeScenarioTable(tally: KillTally): string[] {
  const stops = [
    ...['before', 'after', 'unanswered', 'late', 'lostRace'],
    ...['overtaken', 'overtakenKilled', 'twice'],
  ];
  const rows = [...tally.rows].map(([scenario, kinds]) => {
    const ofStops = stops.map((stop) => kinds.get(`${stop} none`));
    const sum = (field: keyof TallyRow) =>
      text(ofStops.reduce((total, row) => total + (row?.[field] ?? 0), 0));
    const counts = ofStops.map((row) => text(row?.positions ?? 0));
    return [scenario, ...counts, sum('pointsRead'), sum('lost'), sum('wrong')];
  });
  const words = [
    ...['Before', 'After', 'Unanswered', 'Late', 'Lost race'],
    ...['Overtaken', 'Overtaken, then killed', 'Twice'],
  ];
  return table(['Scenario', ...words, 'Points read', 'Points lost', 'Wrong ends'], rows);
}

function activityTable({ steps }: KillTally): string[] {
  return table(
    ['Activity', 'Stops', 'Points read', 'Points lost', 'Wrong ends'],
    [...steps].map(([step, row]) => [step, ...countsOf(row)]),
  );
}

function brokenTable(broken: readonly BrokenRun[]): string[] {
  return table(
    ['Broken on purpose', 'Scenario', 'Stops', 'Points read', 'Points lost', 'Wrong ends'],
    broken.map(({ name, scenario, tally: { total } }) => [name, scenario, ...countsOf(total)]),
  );
}

const INTRODUCTION = [
  '# Reliability: the kill table',
  '',
  'Words: a *stop* ends the process at one storage operation, before it, after it, or, for a write, in the middle (*torn*). After a stop the',
  'process is either just *killed* (the system lives on, nothing is lost), or the power is *cut*: then of everything that was not synced any',
  'part is lost, chosen by a seed, with writes and names in any order. What a stop after one operation leaves, a stop before the next one leaves',
  'too: where every operation is tried, the one before is tried at the first alone. *Twice*: the process is killed, and the next one is stopped while it',
  'recovers. *Redone*: bytes written after the stop beyond what an undisturbed run had still to write.',
  '',
  'At every stop every disk of every restore point that the commit record shows is read, byte for byte against what `qemu-img convert` reads',
  'from the source: once as the stop left it, following only the file names stored in the files, and once after the next session has',
  'recovered and has done the work to its end; where the process was killed, a third time after a power cut at that end. The files that',
  'describe its machine are compared too. After some of the stops, spread over all scenarios, qemu-img itself reads and checks the images.',
  'A point counts as *lost* when it or one of these files reads wrong, or when the record shows neither it nor another copy of its source',
  'point any more and nobody asked to remove it. A *wrong end* is a record, a file or a digest that is not as if nothing had been stopped, left-overs among them.',
  '',
  'What is stopped are the product’s own workflows in their sandbox and its own activities, led by a stand-in for the Temporal server that',
  'gives a dead worker’s activity to the next worker, or lets the next session begin (`test/support/workflows`).',
  '',
  'The chains are made by qemu-img: clusters of 4 KiB, 64 KiB and 2 MiB, subclusters, compressed and zero clusters, disks that grow to',
  'sizes that are no multiple of a cluster, and a disk that appears later (`test/support/kill-table/source-days.ts`).',
  '',
];

const BROKEN_INTRODUCTION = [
  '## Broken on purpose',
  '',
  'Each promise is worth what its absence costs. Here the stopped process leaves one sync out, or does one step too late; a table',
  'that did not show losses here could not be trusted above.',
  '',
];

const LIMITS = [
  '## What this does not show',
  '',
  '- The storage in the table is simulated: it promises what docs/FORMAT.md asks of a repository and nothing more. Real processes, killed at',
  '  chosen system calls, and real power cuts on ext4 are in `test/integration/kill-table/`.',
  '- A disk that claims to have synced what it has not is beyond what software can notice when it happens; health checks find it later.',
  '- After a power cut all copied windows of an uncommitted point may be copied again: their journal is not synced.',
];

function scenarioTable(tally: KillTally): string[] {
  return table(SCENARIO_HEAD, scenarioRows(tally));
}

/** Words over what `scenarioRows` gives. */
export const SCENARIO_HEAD: readonly string[] = [
  ...['Scenario', 'Then', 'Before', 'Torn', 'After', 'Twice'],
  ...['Points read', 'Points lost', 'Wrong ends', 'Redone, mean KiB', 'Redone, most KiB'],
];

/** For each scenario two rows: of stops by which the process was killed, and of power cuts. */
export function scenarioRows(tally: KillTally): readonly (readonly string[])[] {
  const rows: string[][] = [];
  for (const [scenario, kinds] of tally.rows)
    for (const [loss, words] of [
      ['none', 'killed'],
      ['power', 'power cut'],
    ] as const) {
      const stops = ['before', 'torn', 'after', 'twice'].map((stop) =>
        kinds.get(`${stop} ${loss}`),
      );
      const present = stops.filter((row) => row !== undefined);
      const sum = (field: keyof TallyRow) => present.reduce((total, row) => total + row[field], 0);
      const most = Math.max(0, ...present.map((row) => row.mostBytesRedone));
      rows.push([
        scenario,
        words,
        ...stops.map((row) => text(row?.positions ?? 0)),
        text(sum('pointsRead')),
        text(sum('lost')),
        text(sum('wrong')),
        text(Math.round(sum('bytesRedone') / Math.max(1, sum('positions')) / 1024)),
        text(Math.round(most / 1024)),
      ]);
    }
  return rows;
}

function countsOf({ positions, pointsRead, lost, wrong }: TallyRow): string[] {
  return [positions, pointsRead, lost, wrong].map(text);
}

function text(count: number): string {
  return count.toLocaleString('en-US');
}

/** Lines of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
