import { useLocation } from 'wouter';
import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { useAllPages, withQuery } from '../../client/queries.js';
import { CallFault } from '../../show/fault.js';
import { Nothing, Waiting } from '../../show/page.js';
import { noPointWords } from './points.js';
import { UnreadableParts } from '../../show/unreadable.js';
import { PointLine } from './point-line.js';
import { PointRows } from './point-rows.js';
import { RemovePoint } from './remove-point.js';

interface PointsAtProps {
  readonly repositoryId: string;
  readonly workloadId: string;
  /** null: of a source. */
  readonly jobId: string | null;
  /** No job makes them any more. */
  readonly isLeft?: boolean;
}

/** All restore points of a workload in one repository: as a line of time, and each with why it is kept. */
export function PointsAt({ repositoryId, workloadId, jobId, isLeft = false }: PointsAtProps) {
  const [, navigate] = useLocation();
  const path = `/repositories/${repositoryId}/restore-points`;
  const points = useAllPages<RestorePointView>(withQuery(path, { workload: workloadId }));
  const own = (points.data?.items ?? []).filter((point) => point.jobId === jobId);
  const newestFirst = [...own].sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  return (
    <>
      {points.error !== null && (
        <CallFault
          error={points.error}
          what={`Its restore points in ${repositoryId} could not be read.`}
        />
      )}
      {points.data === undefined && points.error === null && (
        <Waiting what="Reading its restore points" />
      )}
      <UnreadableParts parts={points.data?.unreadable} />
      {points.data !== undefined && own.length === 0 && (
        <Nothing>{noPointWords(points.data.unreadable)}</Nothing>
      )}
      {own.length > 0 && (
        <>
          <PointLine points={own} />
          <PointRows
            points={newestFirst}
            label={`Restore points in ${repositoryId}`}
            verb="Restore"
            isLeft={isLeft}
            more={
              jobId === null
                ? undefined
                : (point) => (
                    <details className="commands">
                      <summary>Take it out of the chain</summary>
                      <RemovePoint repositoryId={repositoryId} point={point} points={own} />
                    </details>
                  )
            }
            onChoose={(point) =>
              navigate(
                withQuery('/restore', { repository: repositoryId, workload: workloadId, point }),
              )
            }
          />
        </>
      )}
    </>
  );
}
