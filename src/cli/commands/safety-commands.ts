/** `longhaul safe` and `longhaul workload …`: whether the copies are well, and which are not. */

import type { Command } from 'commander';
import type { Overview, ProblemView, WorkloadView } from '../../api/safety/overview-schemas.js';
import type { Act } from '../command-context.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import {
  display,
  displayLines,
  formatBytes,
  formatInstant,
  formatTable,
  type DisplayText,
} from '../display/display-text.js';
import { printError } from '../display/print.js';

interface ListFlags {
  readonly state?: string;
  readonly job?: string;
  readonly repository?: string;
  readonly search?: string;
}

export function addSafetyCommands(program: Command, act: Act): void {
  act(
    program
      .command('safe')
      .description('Say whether all copies are well; exit code 0 only when they are, else 1.'),
    async (context) => {
      // Whoever asks after a health check, or a removal, is told what that has found.
      const headers = { 'Cache-Control': 'no-cache' };
      const overview = await context.server.request<Overview>('GET', '/overview', { headers });
      context.show(overview, () => describeSafety(overview));
      return overview.verdict.state === 'safe' ? 'success' : 'unsafe';
    },
  );
  const workload = program.command('workload').description('Workloads of all repositories.');
  act(
    workload
      .command('list')
      .option('--state <state>', 'ok, late, unknown, unprotected or unwatched')
      .option('--job <id>', 'only those that this job copies')
      .option('--repository <id>', 'only those of this source or target')
      .option('--search <text>', 'only those with this in their name or id')
      .description('List the workloads with their copies.'),
    async (context, { state, job, repository, search }: ListFlags) => {
      const query = new URLSearchParams({
        ...(state === undefined ? {} : { state }),
        ...(job === undefined ? {} : { jobId: job }),
        ...(repository === undefined ? {} : { repositoryId: repository }),
        ...(search === undefined ? {} : { search }),
      });
      const { items, unreadable } = await context.server.browse<WorkloadView>(
        `/workloads?${query.toString()}`,
      );
      context.show(items, (columns) => describeWorkloads(items, columns));
      if (unreadable.length > 0) printError(context.terminal, describeUnreadable(unreadable));
    },
  );
}

function describeSafety({ verdict, problems, omittedProblems }: Overview): DisplayText {
  const omitted = omittedProblems > 0 ? [display`${omittedProblems} more problems.`] : [];
  return displayLines([
    display`${verdict.sentence}`,
    ...problems.flatMap(describeProblem),
    ...omitted,
  ]);
}

function describeProblem(problem: ProblemView): DisplayText[] {
  const { severity, code, text, since, nextStep } = problem;
  const from = since === null ? '' : `, since ${formatInstant(since)}`;
  return [
    display`${severity}: ${text} (${code}${from})`,
    display`  ${nextStep}`,
    ...whereToRead(problem),
  ];
}

/** Texts name jobs as people do; commands take ids, of copy jobs and of file-backup jobs. */
function whereToRead({ sessionId, jobId }: ProblemView): DisplayText[] {
  if (sessionId !== null) return [display`  longhaul session show ${sessionId}`];
  return jobId === null ? [] : [display`  Job: ${jobId}`];
}

function describeWorkloads(workloads: readonly WorkloadView[], columns: number): DisplayText {
  if (workloads.length === 0) return display`No workloads.`;
  return formatTable(
    [
      'WORKLOAD',
      'SOURCE',
      'STATE',
      'SINCE',
      'NEWEST SOURCE',
      'NEWEST COPY',
      'COPIES',
      'CHECKED',
      'SIZE',
      'JOBS',
    ],
    workloads.map((each) => [
      each.name,
      each.repositoryId,
      each.state,
      formatInstant(each.since),
      formatInstant(each.newestSourceAt),
      formatInstant(each.newestCopyAt),
      String(each.restorePointCount),
      formatInstant(each.oldestVerifiedAt),
      formatBytes(each.storedBytes),
      each.copies.map(({ jobId }) => jobId).join(', ') || '-',
    ]),
    { columns },
  );
}
