import { appendAuditLines } from '../../src/audit/audit-log.js';
import { readMarker } from '../../src/repository/repository-marker.js';
import type { PlacedLine } from '../../src/domain/access/audit.js';
import { BackupError } from '../../src/domain/errors.js';
import type { DataMover } from '../../src/mover/data-mover.js';
import { runTask } from '../running/run-task.js';

/** Who changed what, beside the data. */
export function createAuditActivities({ mover }: { readonly mover: DataMover }) {
  return {
    /** Adds lines to the files of their jobs, in their order. One that is there already is not added again.
     *  @throws REPOSITORY_UNREACHABLE also while the target has never been used: its folder may be a place where nothing is mounted */
    async appendAudit(input: {
      repositoryId: string;
      lines: readonly PlacedLine[];
    }): Promise<void> {
      await runTask(async () => {
        const repository = await mover.repository(input.repositoryId);
        if ((await readMarker(repository)) === null)
          throw new BackupError(
            'REPOSITORY_UNREACHABLE',
            `nothing was ever copied to ${input.repositoryId}; the lines wait for its first copy`,
          );
        const failures: unknown[] = [];
        for (const jobId of new Set(input.lines.map((line) => line.jobId))) {
          const own = input.lines.filter((line) => line.jobId === jobId);
          await appendAuditLines(
            repository,
            jobId,
            own.map(({ jobId: _place, ...line }) => line),
          ).catch((error: unknown) => void failures.push(error));
        }
        // What one job's folder does not take keeps no other's from being written.
        if (failures.length > 0) throw failures[0];
      });
    },
  };
}

export type AuditActivities = ReturnType<typeof createAuditActivities>;
