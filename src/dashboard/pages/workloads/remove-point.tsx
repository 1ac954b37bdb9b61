import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { useAction } from '../../client/actions.js';
import { withQuery } from '../../client/queries.js';
import { Confirm } from '../../show/confirm.js';
import { curlLine } from '../../show/commands.js';
import { counted, shellWord } from '../../show/format.js';

interface RemovePointProps {
  readonly repositoryId: string;
  readonly point: RestorePointView;
  /** All of its workload. */
  readonly points: readonly RestorePointView[];
}

/** Takes a copy and what builds on it out of its chain: into the quarantine, or for good. */
export function RemovePoint({ repositoryId, point, points }: RemovePointProps) {
  const dependents = dependentsOf(point.id, points);
  const withDependents = dependents.length > 0;
  const also = withDependents
    ? ` With it ${counted(dependents.length, 'restore point')} that build${dependents.length === 1 ? 's' : ''} on it.`
    : '';
  return (
    <div className="line">
      <Removal {...{ repositoryId, point, withDependents }} mode="setAside" verb="Set aside">
        It is listed no more, and its source point is not copied again. Its files stay, in the
        quarantine of its chain, which nobody empties.{also}
      </Removal>
      <Removal {...{ repositoryId, point, withDependents }} mode="delete" verb="Delete">
        Its files are deleted for good, and its source point is not copied again.{also}
      </Removal>
    </div>
  );
}

interface RemovalProps extends Omit<RemovePointProps, 'points'> {
  readonly withDependents: boolean;
  readonly mode: 'setAside' | 'delete';
  readonly verb: string;
  readonly children: ReactNode;
}

function Removal({ repositoryId, point, withDependents, mode, verb, children }: RemovalProps) {
  const [, navigate] = useLocation();
  const path = `/repositories/${repositoryId}/restore-points/${encodeURIComponent(point.id)}/remove`;
  const body = { mode, withDependents };
  const remove = useAction<{ operationId: string }>({
    method: 'POST',
    path,
    body,
    done: 'It is being taken out of its chain.',
    then: ({ operationId }) => navigate(withQuery('/operations', { id: operationId })),
  });
  const flags = `${mode === 'setAside' ? ' --set-aside' : ''}${withDependents ? ' --with-dependents' : ''}`;
  return (
    <Confirm
      verb={verb}
      title={`${verb} this restore point`}
      isDangerous={mode === 'delete'}
      action={remove}
      commands={[
        `longhaul restore-point remove ${repositoryId} ${shellWord(point.id)}${flags} --yes`,
        curlLine('POST', path, body),
      ]}
      onConfirm={() => remove.mutate()}
    >
      <p className="definition">{children}</p>
    </Confirm>
  );
}

function dependentsOf(id: string, points: readonly RestorePointView[]): string[] {
  return points
    .filter(({ parentId }) => parentId === id)
    .flatMap((child) => [child.id, ...dependentsOf(child.id, points)]);
}
