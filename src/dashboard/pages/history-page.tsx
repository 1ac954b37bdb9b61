import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useInfiniteQuery } from '@tanstack/react-query';
import type { SessionSummary } from '../../api/sessions/session-schemas.js';
import type { ApiError } from '../client/call-api.js';
import { readApi } from '../client/call-api.js';
import { EVERY, withQuery, type ApiPage } from '../client/queries.js';
import { useAddressField } from '../client/address.js';
import { Commands } from '../show/commands.js';
import { CallFault } from '../show/fault.js';
import { counted } from '../show/format.js';
import { Nothing, Page, Section, Waiting } from '../show/page.js';
import { saySession } from '../show/words.js';
import { SessionRows } from './session-rows.js';

const ANY = '';
const RESULTS: readonly (readonly [string, string])[] = [
  [ANY, 'every result'],
  ['bad', 'failed or needs a decision'],
  ['attention', 'with a warning, stopped, paused'],
  ['good', 'success or nothing to copy'],
  ['busy', 'running'],
];

/** Sessions of all jobs. The filters stand in the address. */
export function HistoryPage() {
  const [jobId, setJobId] = useAddressField('job');
  const [mood, setMood] = useAddressField('result');
  const history = useHistory(jobId);
  const known = history.data?.pages.flatMap(({ items }) => items) ?? [];
  const shown = known.filter((session) => mood === ANY || saySession(session).mood === mood);
  return (
    <Page title="History" asOfMs={history.dataUpdatedAt}>
      <Section
        title="What happened?"
        note={history.data === undefined ? undefined : counted(shown.length, 'session')}
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
            value={mood}
            onChange={({ currentTarget }) => setMood(currentTarget.value)}
            data={RESULTS.map(([value, label]) => ({ value, label }))}
            size="sm"
          />
        </div>
        {history.error !== null && (
          <CallFault error={history.error} what="The sessions could not be read." />
        )}
        {history.isPending && history.error === null && <Waiting what="Asking for the sessions" />}
        {history.data !== undefined && shown.length === 0 && (
          <Nothing>
            No session {jobId === '' && mood === ANY ? 'has run yet' : 'fits the filter'}.
          </Nothing>
        )}
        {shown.length > 0 && <SessionRows sessions={shown} label="Sessions" />}
        {history.hasNextPage && (
          <Button
            variant="default"
            size="sm"
            mt="sm"
            loading={history.isFetchingNextPage}
            onClick={() => void history.fetchNextPage()}
          >
            Older sessions
          </Button>
        )}
      </Section>
      <Commands lines={[`longhaul session list${jobId === '' ? '' : ` --job ${jobId}`} --all`]} />
    </Page>
  );
}

function useHistory(jobId: string) {
  return useInfiniteQuery<
    ApiPage<SessionSummary>,
    ApiError,
    { pages: ApiPage<SessionSummary>[] },
    string[],
    string | undefined
  >({
    queryKey: ['/sessions', jobId],
    initialPageParam: undefined,
    queryFn: ({ pageParam, signal }) =>
      readApi<ApiPage<SessionSummary>>(
        withQuery('/sessions', { jobId, cursor: pageParam }),
        signal,
      ),
    getNextPageParam: ({ nextCursor }) => nextCursor,
    refetchInterval: EVERY.usual,
    placeholderData: (last) => last,
  });
}
