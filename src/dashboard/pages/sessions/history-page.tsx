import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useEffect } from 'react';
import type { SessionSummary } from '../../../api/sessions/session-schemas.js';
import type { ApiError } from '../../client/call-api.js';
import { readApi } from '../../client/call-api.js';
import { EVERY, withQuery, type ApiPage } from '../../client/queries.js';
import { useAddressField } from '../../client/address.js';
import { Commands } from '../../show/commands.js';
import { CallFault } from '../../show/fault.js';
import { counted } from '../../show/format.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { sessionFilter, sessionListCommand, SESSION_CHOICES } from './session-filter.js';
import { UnreadableParts } from '../../show/unreadable.js';
import { SessionRows } from './session-rows.js';

const ANY = '';

/** Sessions of all jobs. The filters stand in the address. */
export function HistoryPage() {
  const [jobId, setJobId] = useAddressField('job');
  const [wanted, setWanted] = useAddressField('result');
  const isFiltered = jobId !== ANY || wanted !== ANY;
  const history = useHistory(withQuery('/sessions', { jobId, ...sessionFilter(wanted) }));
  const { hasNextPage, isFetching, fetchNextPage } = history;
  const pages = history.data?.pages ?? [];
  const shown = pages.flatMap(({ items }) => items);
  const unreadable = pages.flatMap((page) => page.unreadable ?? []);
  const isEmpty = history.data !== undefined && shown.length === 0;
  // The server looks for a page with something on it for some seconds; what it had no time for is asked for here.
  useEffect(() => {
    if (isEmpty && hasNextPage && !isFetching) void fetchNextPage();
  }, [isEmpty, hasNextPage, isFetching, fetchNextPage]);
  return (
    <Page title="History" asOfMs={history.dataUpdatedAt}>
      <Section
        title="What happened?"
        note={
          history.data === undefined
            ? undefined
            : `${counted(shown.length, 'session')}${hasNextPage ? ', and older ones' : ''}`
        }
      >
        <div className="line filters">
          <TextInput
            label="Job"
            placeholder="every job"
            value={jobId}
            onChange={({ currentTarget }) => setJobId(currentTarget.value.trim())}
            size="sm"
          />
          <NativeSelect
            label="Result"
            value={wanted}
            onChange={({ currentTarget }) => setWanted(currentTarget.value)}
            data={[{ value: ANY, label: 'every result' }, ...SESSION_CHOICES]}
            size="sm"
          />
        </div>
        {history.error !== null && (
          <CallFault error={history.error} what="The sessions could not be read." />
        )}
        {history.isPending && history.error === null && <Waiting what="Asking for the sessions" />}
        <UnreadableParts parts={unreadable} />
        {isEmpty && hasNextPage && <Waiting what="Looking through the records on the targets" />}
        {isEmpty && !hasNextPage && (
          <Nothing>
            {unreadable.length > 0
              ? 'No session was found, and not everything could be read.'
              : isFiltered
                ? 'No session fits the filter.'
                : 'No session has run yet.'}
          </Nothing>
        )}
        {shown.length > 0 && <SessionRows sessions={shown} label="Sessions" />}
        {!isEmpty && hasNextPage && (
          <Button
            variant="default"
            size="sm"
            mt="sm"
            loading={history.isFetchingNextPage}
            onClick={() => void fetchNextPage()}
          >
            Older sessions
          </Button>
        )}
      </Section>
      <Commands lines={[sessionListCommand(jobId, wanted)]} />
    </Page>
  );
}

function useHistory(path: string) {
  return useInfiniteQuery<
    ApiPage<SessionSummary>,
    ApiError,
    { pages: ApiPage<SessionSummary>[] },
    string[],
    string | undefined
  >({
    queryKey: [path, 'history'],
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) =>
      readApi<ApiPage<SessionSummary>>(withQuery(path, { cursor: pageParam }), signal),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    refetchInterval: EVERY.usual,
    placeholderData: (last) => last,
  });
}
