import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { readApi, type ApiError } from '../../client/call-api.js';
import { EVERY, withQuery } from '../../client/queries.js';
import { useEvery } from '../../client/use-every.js';
import { CallFault } from '../../show/fault.js';
import { newestSessions, type NewestSessions } from './newest-sessions.js';
import { Nothing, Section, Waiting } from '../../show/page.js';
import { RunStrip } from './run-strip.js';
import { UnreadableParts } from '../../show/unreadable.js';
import { SessionRows } from '../sessions/session-rows.js';

interface RunsProps {
  readonly jobId: string;
  readonly title: string;
  readonly zone?: string | undefined;
}

/** The newest sessions of a job. */
export function Runs({ jobId, title, zone }: RunsProps) {
  const sessions = useNewestSessions(jobId);
  const runs = sessions.data?.items ?? [];
  const unreadable = sessions.data?.unreadable ?? [];
  return (
    <Section title={title} note={<RunStrip sessions={runs} />}>
      {sessions.error !== null && (
        <CallFault error={sessions.error} what="Its sessions could not be read." />
      )}
      {sessions.data === undefined && sessions.error === null && (
        <Waiting what="Asking for its sessions" />
      )}
      <UnreadableParts parts={unreadable} />
      {sessions.data !== undefined && runs.length === 0 && (
        <Nothing>
          {unreadable.length === 0
            ? 'No run of it is known.'
            : 'No session of it was found, and not everything could be read.'}
        </Nothing>
      )}
      {runs.length > 0 && (
        <SessionRows sessions={runs} label={`Sessions of ${jobId}`} zone={zone} />
      )}
    </Section>
  );
}

function useNewestSessions(jobId: string): UseQueryResult<NewestSessions, ApiError> {
  const path = withQuery('/sessions', { jobId });
  const refetchInterval = useEvery(EVERY.few);
  return useQuery<NewestSessions, ApiError>({
    queryKey: [path, 'newest'],
    queryFn: ({ signal }) =>
      newestSessions((cursor) => readApi(withQuery(path, { cursor }), signal)),
    refetchInterval,
  });
}
