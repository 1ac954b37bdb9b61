import type { SystemView } from '../../../api/system-routes.js';
import { useApi } from '../../client/queries.js';
import { HOUR_MS } from '../../../domain/elapsed.js';

/** Every step of the session, as Temporal keeps it. */
export function TemporalLink({ sessionId }: { readonly sessionId: string }) {
  const { data } = useApi<SystemView>('/system', { everyMs: null, freshMs: HOUR_MS });
  const workflowId = workflowIdOf(sessionId);
  if (data === undefined || workflowId === null) return null;
  const { uiUrl, namespace } = data.temporal;
  return (
    <>
      <dt>In Temporal</dt>
      <dd>
        {uiUrl === null ? (
          <code>{workflowId}</code>
        ) : (
          <a
            href={`${uiUrl}/namespaces/${encodeURIComponent(namespace)}/workflows/${encodeURIComponent(workflowId)}`}
            rel="noreferrer"
          >
            every step of it
          </a>
        )}
      </dd>
    </>
  );
}

/** `nightly-20261124T220000Z` is workflow `session/nightly-2026-11-24T22:00:00Z`; null: not a session id. */
function workflowIdOf(sessionId: string): string | null {
  const match = /^(.+)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(sessionId);
  if (match === null) return null;
  const [, jobId, year, month, day, hour, minute, second] = match;
  return `session/${jobId}-${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
}
