import { proxyActivities, type ActivityOptions } from '@temporalio/workflow';
import type { BrowseActivities } from '../../activities/watch/browse-activities.js';
import type { CopyActivities } from '../../activities/task/copy-activities.js';
import type { FactsActivities } from '../../activities/watch/facts-activities.js';
import type { ReadRecordActivities } from '../../activities/session/record-activities.js';
import type { AuditEntry } from '../../src/domain/access/audit.js';
import type { RecordedSession } from '../../src/domain/sessions/recorded-session.js';
import type { CopySession, CopyTask } from '../../src/domain/sessions/copy-session.js';
import type { NamedLook } from '../../src/domain/sources/found-workload.js';
import { lookTaskQueue } from '../messages.js';
import type {
  BrowsePage,
  BrowseRepositoryInput,
  RepositoryDescription,
  RestorePointView,
  StoredJob,
  WorkloadSummary,
} from '../../src/domain/targets/repository-view.js';
import type { FactsPage } from '../../src/domain/safety/workload-facts.js';

type Answer =
  | BrowsePage<
      | RepositoryDescription
      | WorkloadSummary
      | NamedLook
      | RestorePointView
      | StoredJob
      | CopyTask
      | CopySession
      | RecordedSession
      | AuditEntry
    >
  | FactsPage;

const EITHER: Pick<ActivityOptions, 'scheduleToStartTimeout' | 'retry'> = {
  // Without a worker the answer must come all the same; the API calls it unreachable.
  scheduleToStartTimeout: '15s',
  retry: { maximumAttempts: 2, nonRetryableErrorTypes: ['PayloadsTooLarge'] },
};

/** A look into a repository by a worker that reaches it. Someone is waiting for the answer, so nothing is tried for long; for what is known of all copies
 *  nobody waits. */
export async function browseRepository(input: BrowseRepositoryInput): Promise<Answer> {
  const activities = proxyActivities<
    BrowseActivities & ReadRecordActivities & Pick<CopyActivities, 'findNamed'>
  >({
    taskQueue: lookTaskQueue(input.repositoryId),
    startToCloseTimeout: '2m',
    ...EITHER,
  });
  const summary = `${input.repositoryId}: list ${input.what}`;
  switch (input.what) {
    case 'describe':
    case 'check':
    case 'accept': {
      const { repositoryId, what } = input;
      return {
        items: [
          await activities.describeRepository.executeWithOptions({ summary }, [
            { repositoryId, probeAgain: what === 'check', accept: what === 'accept' },
          ]),
        ],
      };
    }
    case 'workloads':
      return activities.listWorkloads.executeWithOptions({ summary }, [input]);
    case 'named':
      return { items: [await activities.findNamed.executeWithOptions({ summary }, [input])] };
    case 'facts': {
      const { repositoryId, cursor } = input;
      const { listWorkloadFacts } = proxyActivities<FactsActivities>({
        taskQueue: lookTaskQueue(repositoryId),
        startToCloseTimeout: '4m',
        ...EITHER,
      });
      if (cursor !== undefined) return listWorkloadFacts.executeWithOptions({ summary }, [input]);
      const description = await activities.describeRepository.executeWithOptions({ summary }, [
        { repositoryId },
      ]);
      if (!description.reachable) return { items: [], description };
      const page = await listWorkloadFacts.executeWithOptions({ summary }, [input]);
      return { ...page, description };
    }
    case 'jobs':
      return activities.listStoredJobs.executeWithOptions({ summary }, [input]);
    case 'sessions':
      return activities.listSessionRecords.executeWithOptions({ summary }, [input]);
    case 'session':
      return activities.readSessionRecord.executeWithOptions({ summary }, [input]);
    case 'tasks':
      return activities.listTasks.executeWithOptions({ summary }, [input]);
    case 'audit':
      return activities.listAudit.executeWithOptions({ summary }, [input]);
    case 'restorePoints':
      return activities.listRestorePoints.executeWithOptions({ summary }, [input]);
  }
}
