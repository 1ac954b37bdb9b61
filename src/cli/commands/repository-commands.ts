/** `longhaul repository …`, `longhaul restore-point …` and `longhaul restore …`. */

import type { Act } from '../command-context.js';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { RepositoryView } from '../../api/repositories/repository-schemas.js';
import type {
  RestorePointView,
  StoredJob,
  WorkloadSummary,
} from '../../domain/targets/repository-view.js';
import { printable } from '../../domain/printable.js';
import { describeUnreadable } from '../display/describe-unreadable.js';
import { pointsWith } from '../client/find-point.js';
import {
  formatBytes,
  formatFields,
  formatInstant,
  formatTable,
  display,
  displayLines,
  type DisplayText,
} from '../display/display-text.js';
import { printError } from '../display/print.js';
import { finishOperation, type OperationFlags } from '../client/follow-operation.js';
import { beginOperation } from '../client/send-order.js';
import { removeCommand, removePoint } from './remove-point-command.js';
import { addTypesCommand } from './workload-type-commands.js';
import { describeStorage, exitOfCheck, reachableText } from '../display/storage-display.js';

export function addRepositoryCommands(program: Command, act: Act): void {
  const repository = program.command('repository').description('Backup repositories.');
  act(repository.command('list').description('List the repositories.'), async (context) => {
    const found = await context.server.all<RepositoryView>('/repositories');
    context.show(found, (columns) => describeRepositories(found, columns));
  });
  act(
    repository
      .command('scan')
      .argument('<repository>')
      .description(
        'Read a repository again and list its workloads and the jobs that were copied to it.',
      ),
    async (context, id: string) => {
      const path = repositoryPath(id);
      const scanned = await context.server.request<RepositoryView>('POST', `${path}/rescan`);
      const found = await context.server.browse<WorkloadSummary>(`${path}/workloads`);
      const stored = await context.server.browse<StoredJob>(`${path}/jobs`);
      const [workloads, jobs] = [found.items, stored.items];
      const parts = [...found.unreadable, ...stored.unreadable];
      const unreadable = [...new Map(parts.map((part) => [part.path, part])).values()];
      context.show({ ...scanned, workloads, jobs, unreadable }, (columns) =>
        displayLines([
          describeRepositories([scanned], columns),
          display``,
          describeWorkloads(workloads, columns),
          ...(jobs.length === 0 ? [] : [display``, describeStoredJobs(jobs, columns)]),
          ...(unreadable.length === 0 ? [] : [display``, describeUnreadable(unreadable)]),
        ]),
      );
    },
  );
  const addLook = (name: string, description: string) =>
    act(
      repository.command(name).argument('<repository>').description(description),
      async (context, id: string) => {
        const path = `${repositoryPath(id)}/${name}`;
        const looked = await context.server.request<RepositoryView>('POST', path);
        context.show(looked, () => describeStorage(looked));
        return exitOfCheck(looked);
      },
    );
  addLook('check', 'Try what the storage of a target can and cannot do.');
  addLook(
    'accept',
    'Say that what lies in the folder of a target now is that target, although another one was seen there before.',
  );
  addTypesCommand(repository, act);
  addRestorePointCommands(program, act);
  addRestoreCommand(program, act);
}

function addRestoreCommand(program: Command, act: Act): void {
  act(
    program
      .command('restore')
      .argument('<repository>')
      .argument('<point>')
      .requiredOption('--to <folder>', 'empty or new folder on the machine of the worker')
      .option(
        '--format <format>',
        'same (as the copy), or raw or qcow2: the disks, also those within archives',
        'same',
      )
      .option(
        '--disk <name...>',
        'only these disks; with raw and qcow2 also those within archives (drive-scsi0)',
      )
      .option(
        '--layout',
        'the tree that the backup tool looks for, with its names, times and modes',
      )
      .option('--into-existing', 'the folder may hold other files; none is overwritten')
      .option('--no-wait', 'return at once with the operation id')
      .description(
        'Write a restore point into a folder: disks as whole images, or the files of a database, share or store.',
      ),
    async (
      context,
      id: string,
      point: string,
      flags: {
        to: string;
        format: string;
        disk?: string[];
        layout?: true;
        intoExisting?: true;
      } & OperationFlags,
    ) => {
      const path = resolve(context.terminal.workingFolder, flags.to);
      const { format, disk, layout, intoExisting } = flags;
      const body = { destination: { path }, format, disks: disk, layout, intoExisting };
      const started = await beginOperation(context, `${pointPath(id, point)}/restore`, body);
      return finishOperation(context, started, flags);
    },
  );
}

function describeStoredJobs(jobs: readonly StoredJob[], columns: number): DisplayText {
  return formatTable(
    ['JOB', 'NAME', 'WORKLOADS', 'RESTORE POINTS', 'SIZE', 'NEWEST', 'SESSIONS', 'LAST SESSION'],
    jobs.map((job) => [
      job.id,
      job.name,
      String(job.workloadCount),
      String(job.restorePointCount),
      formatBytes(job.storedBytes),
      job.newestAt ?? '-',
      String(job.sessionCount),
      job.lastSession === null ? '-' : `${job.lastSession.id} ${job.lastSession.result ?? ''}`,
    ]),
    { columns, cut: ['NAME'] },
  );
}

function addRestorePointCommands(program: Command, act: Act): void {
  const points = program.command('restore-point').description('Restore points.');
  act(
    points
      .command('list')
      .argument('<repository>')
      .option('-w, --workload <id>', 'only of this workload')
      .description('List restore points, oldest first.'),
    async (context, id: string, { workload }: { workload?: string }) => {
      const found = await context.server.browse<RestorePointView>(pointsPath(id, workload));
      context.show(found.items, (columns) => describePoints(found.items, columns));
      if (found.unreadable.length > 0)
        printError(context.terminal, describeUnreadable(found.unreadable));
    },
  );
  act(
    points.command('show').argument('<repository>').argument('<point>').description('Show one.'),
    async (context, id: string, pointId: string) => {
      const points = await pointsWith(context, id, pointId);
      const point = points.find((candidate) => candidate.id === pointId)!;
      context.show(point, () => describePoint(point));
    },
  );
  act(
    points
      .command('verify')
      .argument('<repository>')
      .argument('[point]', 'default: every restore point')
      .option('--no-wait', 'return at once with the operation id')
      .description('Read restore points and compare them with their digests.'),
    async (context, id: string, point: string | undefined, flags: OperationFlags) => {
      const path = point === undefined ? repositoryPath(id) : pointPath(id, point);
      const started = await beginOperation(context, `${path}/verify`);
      return finishOperation(context, started, flags);
    },
  );
  act(removeCommand(points), removePoint);
}

function repositoryPath(id: string): string {
  return `/repositories/${encodeURIComponent(id)}`;
}

function pointPath(repositoryId: string, pointId: string): string {
  return `${repositoryPath(repositoryId)}/restore-points/${encodeURIComponent(pointId)}`;
}

function pointsPath(repositoryId: string, workload: string | undefined): string {
  const query = workload === undefined ? '' : `?workload=${encodeURIComponent(workload)}`;
  return `${repositoryPath(repositoryId)}/restore-points${query}`;
}

function describeRepositories(
  repositories: readonly RepositoryView[],
  columns: number,
): DisplayText {
  return formatTable(
    ['REPOSITORY', 'ROLE', 'KIND', 'REACHABLE', 'FREE', 'TOTAL', 'SLOTS', 'PATH'],
    repositories.map((entry) => [
      entry.id,
      entry.role,
      entry.kind,
      reachableText(entry),
      bytesOrUnknown(entry.freeBytes),
      bytesOrUnknown(entry.totalBytes),
      `${entry.usedSlots ?? '?'}/${entry.taskLimit}`,
      entry.place,
    ]),
    { columns },
  );
}

function describeWorkloads(workloads: readonly WorkloadSummary[], columns: number): DisplayText {
  if (workloads.length === 0) return display`No workloads.`;
  return formatTable(
    ['WORKLOAD', 'NAME', 'TYPE', 'JOB', 'RESTORE POINTS', 'NEWEST', 'PROBLEM'],
    workloads.map(({ id, name, type, jobId, restorePointCount, newestAt, problem, doubt }) => [
      id,
      name,
      type,
      jobId ?? '-',
      String(restorePointCount),
      formatInstant(newestAt),
      problem ?? doubt ?? '',
    ]),
    { columns, cut: ['NAME', 'PROBLEM'] },
  );
}

function describePoints(points: readonly RestorePointView[], columns: number): DisplayText {
  if (points.length === 0) return display`No restore points.`;
  return formatTable(
    [
      'RESTORE POINT',
      'WORKLOAD',
      'CREATED',
      'KIND',
      'STATE',
      'HEALTH',
      'VERIFIED',
      'SIZE',
      'KEPT BECAUSE',
    ],
    points.map((point) => [
      point.id,
      point.workload,
      formatInstant(point.createdAt),
      point.kind,
      stateOf(point),
      point.health,
      formatInstant(point.verifiedAt),
      formatBytes(sizeOf(point)),
      point.keptBecause.join(', '),
    ]),
    { columns, cut: ['KEPT BECAUSE'] },
  );
}

function describePoint(point: RestorePointView): DisplayText {
  const fields: [string, string][] = [
    ['Restore point', point.id],
    ['Workload', `${point.workload} (${point.workloadType})`],
    ['Created', formatInstant(point.createdAt)],
    ['Copied', formatInstant(point.copiedAt)],
    ['Kind', point.kind],
    ['Parent', point.parentId ?? '-'],
    ['State', stateOf(point)],
    ['Health', point.health],
    ['Verified', formatInstant(point.verifiedAt)],
    ['Kept because', point.keptBecause.join(', ') || '-'],
    ['Kept until', formatInstant(point.keptUntil)],
    ...point.files.map(({ disk, path, format, sizeBytes }): [string, string] => [
      `Disk ${disk}`,
      `${path} (${format}, ${formatBytes(sizeBytes)})`,
    ]),
  ];
  if (point.reason !== null) fields.push(['Reason', point.reason]);
  if (point.source !== null) {
    fields.push(['Copied from', `${point.source.repositoryId} ${point.source.restorePointId}`]);
  }
  return formatFields(fields.map(([name, value]) => [printable(name), value]));
}

/** In a list, too, a point in progress says when it is looked at again. */
function stateOf({ state, lookAgainAt }: RestorePointView): string {
  return lookAgainAt === null ? state : `${state} until ${formatInstant(lookAgainAt)}`;
}

function sizeOf({ files }: RestorePointView): number {
  return files.reduce((total, { sizeBytes }) => total + sizeBytes, 0);
}

function bytesOrUnknown(bytes: number | null): string {
  return bytes === null ? '?' : formatBytes(bytes);
}
