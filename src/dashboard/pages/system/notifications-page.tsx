import type { ExplainedDelivery } from '../../../api/notices/deliveries.js';
import type { ChannelView } from '../../../api/notices/notification-routes.js';
import { useAction } from '../../client/actions.js';
import { EVERY, useApi, type ApiPage } from '../../client/queries.js';
import { Commands, curlLine } from '../../show/commands.js';
import { Confirm } from '../../show/confirm.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { sentence } from '../../show/sentence.js';
import { State } from '../../show/state.js';
import type { Said } from '../../show/words.js';
import { SilencesSection } from './silences-section.js';

/** Who is told what, and did they get it? */
export function NotificationsPage() {
  const channels = useApi<ApiPage<ChannelView>>('/notification-channels', {
    everyMs: EVERY.minute,
  });
  const notices = useApi<ApiPage<ExplainedDelivery>>('/notices');
  const deliveries = notices.data?.items ?? [];
  return (
    <Page title="Notifications" asOfMs={notices.dataUpdatedAt}>
      {channels.error !== null && (
        <CallFault error={channels.error} what="The channels could not be read." />
      )}
      {notices.error !== null && (
        <CallFault error={notices.error} what="What they were told could not be read." />
      )}
      {channels.data === undefined && channels.error === null && (
        <Waiting what="Asking for the channels" />
      )}
      {channels.data !== undefined && (
        <Section title="Channels" note="as the configuration has them">
          {channels.data.items.length === 0 ? (
            <Nothing>
              There is none: nobody is told when copies are not well. Channels are set in
              notifications.channels of the configuration file.
            </Nothing>
          ) : (
            <Rows
              label="Channels"
              columns={channelColumns(deliveries)}
              rows={channels.data.items}
              keyOf={({ id }) => id}
            />
          )}
        </Section>
      )}
      <SilencesSection />
      {notices.data !== undefined && (
        <Section title="Told" note="the newest 100 of the last 30 days">
          {deliveries.length === 0 ? (
            <Nothing>Nothing yet.</Nothing>
          ) : (
            <Rows
              label="Messages"
              columns={DELIVERY_COLUMNS}
              rows={deliveries}
              keyOf={({ noticeId, channelId }) => `${noticeId}/${channelId}`}
              below={({ reason }) =>
                reason === null ? null : (
                  <span className="small">{sentence(printable(reason))}</span>
                )
              }
            />
          )}
        </Section>
      )}
      <Commands lines={['longhaul notification list']} />
    </Page>
  );
}

const DELIVERIES: Readonly<Record<ExplainedDelivery['state'], Said>> = {
  delivering: { mood: 'attention', word: 'tried again' },
  delivered: { mood: 'good', word: 'taken' },
  failed: { mood: 'bad', word: 'given up' },
};

/** On its way without a failed try is nothing to look after. */
function DeliveryState({ delivery: { state, reason } }: { readonly delivery: ExplainedDelivery }) {
  const isNew = state === 'delivering' && reason === null;
  return <State said={isNew ? { mood: 'busy', word: 'on its way' } : DELIVERIES[state]} />;
}

function channelColumns(deliveries: readonly ExplainedDelivery[]): readonly Column<ChannelView>[] {
  const lastOf = (id: string) => deliveries.find(({ channelId }) => channelId === id);
  return [
    { head: 'Channel', width: '1.2fr', cell: ({ id, kind }) => `${id} (${kind})` },
    { head: 'Is told', width: '1.6fr', cell: toldWords },
    {
      head: 'Digest',
      width: '0.8fr',
      cell: ({ digestAt }) => (digestAt === null ? 'none' : `daily at ${digestAt}`),
    },
    {
      head: 'Last message',
      width: '1.2fr',
      cell: ({ id }) => {
        const last = lastOf(id);
        return last === undefined ? 'none' : <DeliveryState delivery={last} />;
      },
    },
    { head: 'Try', width: '1.2fr', cell: (channel) => <Trials channel={channel} /> },
  ];
}

function toldWords(channel: ChannelView): string {
  const { quietHours } = channel;
  const quiet =
    quietHours === null ? '' : `; from ${quietHours.from} to ${quietHours.to} later, at the end`;
  return `${toldWhat(channel)}${quiet}`;
}

function toldWhat({ severity, jobs, job }: ChannelView): string {
  if (severity === null)
    return job === null
      ? 'nothing: it is called at each look'
      : `start and end of each session of ${job}`;
  const what = {
    error: 'errors',
    unknown: 'errors and what is not known',
    warning: 'everything, warnings too',
  }[severity];
  return jobs === null ? (what ?? severity) : `${what ?? severity} of ${jobs.join(', ')}`;
}

const DELIVERY_COLUMNS: readonly Column<ExplainedDelivery>[] = [
  { head: 'Message', width: '1.6fr', cell: ({ noticeId }) => printable(noticeId) },
  { head: 'Channel', width: '1fr', cell: ({ channelId }) => printable(channelId) },
  { head: 'State', width: '1fr', cell: (delivery) => <DeliveryState delivery={delivery} /> },
  { head: 'Sent', width: '1fr', cell: ({ startedAt }) => <Instant at={startedAt} /> },
  {
    head: 'Ended',
    width: '1fr',
    cell: ({ endedAt }) => (endedAt === null ? 'not yet' : <Instant at={endedAt} />),
  },
];

function Trials({ channel: { id, kind } }: { readonly channel: ChannelView }) {
  const path = `/notification-channels/${id}/test`;
  const test = useAction({
    method: 'POST',
    path,
    done: `A test is on its way to ${id}.`,
  });
  const rehearsal = `/notification-channels/${id}/rehearse`;
  const rehearse = useAction({
    method: 'POST',
    path: rehearsal,
    done: `An alarm is on its way to ${id}, and its end after it.`,
  });
  if (kind === 'ping') return null;
  return (
    <div className="line">
      <Confirm
        verb="Test"
        title={`Send a test to ${id}`}
        commands={[`longhaul notification test ${id}`, curlLine('POST', path)]}
        action={test}
        onConfirm={() => test.mutate()}
      >
        <p className="definition">
          It is sent as an alarm would be, and says that nothing is wrong.
        </p>
      </Confirm>
      <Confirm
        verb="Rehearse"
        title={`Rehearse an alarm on ${id}`}
        commands={[`longhaul notification rehearse ${id}`, curlLine('POST', rehearsal)]}
        action={rehearse}
        onConfirm={() => rehearse.mutate()}
      >
        <p className="definition">
          A made-up alarm is sent, as grave as it gets, and after 15 seconds that all is well again.
          Both say that it is a rehearsal; whoever is on duty is called.
        </p>
      </Confirm>
    </div>
  );
}
