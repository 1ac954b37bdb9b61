import { useLocation } from 'wouter';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import { useAction } from '../../client/actions.js';
import { withQuery } from '../../client/queries.js';
import { curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';

export function RepositoryActions({
  repository: { id, role },
}: {
  readonly repository: RepositoryView;
}) {
  return (
    <div className="line">
      <Look id={id} />
      {role === 'target' && <Check id={id} />}
      {role === 'target' && <Verify id={id} />}
    </div>
  );
}

function Look({ id }: { readonly id: string }) {
  const path = `/repositories/${id}/rescan`;
  const look = useAction({
    method: 'POST',
    path,
    done: `${id} was looked at.`,
  });
  return (
    <Confirm
      verb="Look again"
      title={`Look at what lies in ${id} again`}
      commands={[`longhaul repository scan ${id}`, curlLine('POST', path)]}
      action={look}
      onConfirm={() => look.mutate()}
    >
      <p className="definition">
        Its folders are read now, and what is shown of it is new. Nothing is changed.
      </p>
    </Confirm>
  );
}

function Check({ id }: { readonly id: string }) {
  const path = `/repositories/${id}/check`;
  const check = useAction({
    method: 'POST',
    path,
    done: `The storage of ${id} was tried.`,
  });
  return (
    <Confirm
      verb="Check the storage"
      title={`Try what the storage of ${id} can do`}
      commands={[`longhaul repository check ${id}`, curlLine('POST', path)]}
      action={check}
      onConfirm={() => check.mutate()}
    >
      <p className="definition">
        It writes, renames, syncs and removes small files in a folder of its own. No restore point
        is touched.
      </p>
    </Confirm>
  );
}

function Verify({ id }: { readonly id: string }) {
  const [, navigate] = useLocation();
  const path = `/repositories/${id}/verify`;
  const verify = useAction<{ operationId: string }>({
    method: 'POST',
    path,
    done: `All restore points of ${id} are being read.`,
    then: ({ operationId }) => navigate(withQuery('/operations', { id: operationId })),
  });
  return (
    <Confirm
      verb="Verify all copies"
      title={`Read and compare every restore point of ${id}`}
      commands={[`longhaul restore-point verify ${id}`, curlLine('POST', path)]}
      action={verify}
      onConfirm={() => verify.mutate()}
    >
      <p className="definition">
        Every byte is read and compared with its digest, which takes long and loads the storage.
        Damage is healed from the source or from other files of the chain where they still hold the
        right bytes; what nothing can heal is set aside (moved to <code>.quarantine</code>, not
        deleted) and copied anew by the next session.
      </p>
    </Confirm>
  );
}
