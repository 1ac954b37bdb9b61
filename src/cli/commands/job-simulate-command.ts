/** `longhaul job simulate`: what a policy would leave in the days ahead. */

import type { Command } from 'commander';
import { BackupError } from '../../domain/errors.js';
import type { JobView } from '../../api/jobs/job-schemas.js';
import type { JobSimulation, SimulationView } from '../../api/previews/simulation-routes.js';
import type { CommandContext } from '../command-context.js';
import {
  display,
  displayLines,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { jobFlags } from '../input/job-flags.js';
import { editedDefinition, type EditFlags } from '../input/job-input.js';

interface SimulateFlags extends EditFlags {
  readonly days?: string;
  readonly workload?: string;
}

export function simulateCommand(job: Command): Command {
  return jobFlags(job.command('simulate').argument('<job>'))
    .option('--gfs-off', 'no weekly, monthly and yearly fulls any more')
    .option('--days <number>', 'days ahead; default: 90')
    .option('--workload <id>', 'default: the one with the most restore points')
    .description(
      'What would be left of the copies in the days ahead, by the job as it is and as the flags would change it; no data is touched.',
    );
}

export async function simulateJob(
  context: CommandContext,
  id: string,
  { days, workload, ...flags }: SimulateFlags,
): Promise<void> {
  const { server } = context;
  const path = `/jobs/${encodeURIComponent(id)}`;
  const definition = editedDefinition(await server.request<JobView>('GET', path), flags);
  const simulation = await server.request<JobSimulation>('POST', `${path}/simulation`, {
    body: {
      definition,
      ...(days === undefined ? {} : { days: daysOf(days) }),
      ...(workload === undefined ? {} : { workload }),
    },
  });
  context.show(simulation, (columns) => describeSimulation(simulation, columns));
}

/** @throws REQUEST_INVALID */
function daysOf(text: string): number {
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text);
  throw new BackupError('REQUEST_INVALID', `${text} is not a number of days`, {
    hint: 'See `longhaul job simulate --help`.',
  });
}

function describeSimulation(
  { workload, days, basis, present, wanted }: JobSimulation,
  columns: number,
): DisplayText {
  const how =
    basis === 'schedule'
      ? 'one restore point at each start of its schedule'
      : 'restore points at the pace of the newest ones, because it has no calendar';
  const isSame = JSON.stringify(present) === JSON.stringify(wanted);
  return displayLines([
    display`${workload}, ${days} days ahead, ${how}:`,
    ...(isSame ? [] : [describeOutcome('as the job is', present)]),
    describeOutcome(isSame ? 'as the job is' : 'with the change', wanted),
    ...wanted.warnings.map((warning) => display`warning: ${warning}`),
    display``,
    formatTable(
      ['LEFT', 'KIND', 'WHY'],
      wanted.left.map(({ createdAt, kind, isNew, reasons }) => [
        formatInstant(createdAt),
        isNew ? `${kind}, to come` : kind,
        reasons.join('; '),
      ]),
      { columns, cut: ['WHY'] },
    ),
  ]);
}

function describeOutcome(
  title: string,
  { sessions, gone, left, days }: SimulationView,
): DisplayText {
  const oldest = formatInstant(days.at(-1)?.oldestAt ?? null);
  return display`${title}: ${sessions} sessions, ${gone.length} of the present restore points go, ${left.length} are left; the oldest is of ${oldest}`;
}
