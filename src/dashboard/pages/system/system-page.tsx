import { Button } from '@mantine/core';
import { useState } from 'react';
import type { SettingView, SystemView } from '../../../api/system-routes.js';
import { EVERY, useApi, useReadiness } from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault, Fault, withCode } from '../../show/fault.js';
import { Instant } from '../../show/instant.js';
import { Page, Section, Waiting } from '../../show/page.js';
import { Rows, type Column } from '../../show/rows.js';
import { VerdictPanel } from '../../show/verdict.js';
import { counted } from '../../show/format.js';

/** Is Longhaul itself well? */
export function SystemPage() {
  const readiness = useReadiness();
  const system = useApi<SystemView>('/system', { everyMs: EVERY.minute });
  const { data, error } = readiness;
  return (
    <Page title="System" asOfMs={readiness.dataUpdatedAt}>
      {error !== null && (
        <VerdictPanel
          mood="unknown"
          sentence="Whether Longhaul can do its work is not known: it does not answer."
        />
      )}
      {error === null && data === undefined && <Waiting what="Asking whether it can do its work" />}
      {data?.ready === true && (
        <VerdictPanel
          mood={data.warnings.length > 0 ? 'attention' : 'good'}
          sentence="Longhaul can do its work: Temporal answers, and every repository has a worker."
        >
          {data.warnings.length > 0 ? counted(data.warnings.length, 'warning') : undefined}
        </VerdictPanel>
      )}
      {data?.ready === false && (
        <VerdictPanel
          mood="bad"
          sentence={`Longhaul cannot do all of its work: ${counted(data.missing.length, 'thing is', 'things are')} missing.`}
        />
      )}
      {data?.missing.map((sentence) => (
        <Fault
          key={sentence}
          what={sentence}
          hint="Start the worker, or mend what is named; it is looked at again every few seconds."
        />
      ))}
      {data?.warnings.map((sentence) => (
        <Fault key={sentence} mood="attention" what={sentence} />
      ))}
      {system.error !== null && (
        <CallFault error={system.error} what="The settings could not be read." />
      )}
      {system.data !== undefined && <About system={system.data} />}
      {system.data !== undefined && <Settings settings={system.data.settings} />}
      <Commands
        lines={[
          'curl -s ' + window.location.origin + '/readyz',
          'curl -s ' + window.location.origin + '/metrics',
        ]}
        title="For a monitor"
      />
    </Page>
  );
}

function About({ system }: { readonly system: SystemView }) {
  const { version, nodeVersion, startedAt, timeZone, temporal } = system;
  return (
    <Section title="This server">
      <dl className="facts">
        <dt>Longhaul</dt>
        <dd>{version ?? 'version not known'}</dd>
        <dt>Node.js</dt>
        <dd>{nodeVersion}</dd>
        <dt>Runs since</dt>
        <dd>
          <Instant at={startedAt} as="date" /> (<Instant at={startedAt} />)
        </dd>
        <dt>Zone of new jobs</dt>
        <dd>{timeZone}</dd>
        <dt>Temporal</dt>
        <dd>
          namespace {temporal.namespace}
          {temporal.uiUrl !== null && (
            <>
              , <a href={temporal.uiUrl}>its own pages</a>
            </>
          )}
        </dd>
      </dl>
    </Section>
  );
}

const COLUMNS: readonly Column<SettingView>[] = [
  { head: 'Setting', width: '1.5fr', cell: ({ path }) => <code>{path}</code> },
  {
    head: 'Value',
    width: '1.5fr',
    cell: ({ value, isDefault }) => (
      <>
        <code>{value}</code>
        {isDefault && <span className="small"> default</span>}
      </>
    ),
  },
  {
    head: 'Meaning',
    width: '3fr',
    cell: ({ description }) => <span className="small">{withCode(description)}</span>,
  },
];

function Settings({ settings }: { readonly settings: readonly SettingView[] }) {
  const [isWhole, setWhole] = useState(false);
  const shown = settings.filter(({ isDefault }) => isWhole || !isDefault);
  return (
    <Section title="Settings in force" note={isWhole ? 'all' : 'those that are not the default'}>
      <Rows label="Settings" columns={COLUMNS} rows={shown} keyOf={({ path }) => path} />
      <Button variant="default" size="sm" mt="sm" onClick={() => setWhole(!isWhole)}>
        {isWhole ? 'Hide the defaults' : 'Show the defaults too'}
      </Button>
    </Section>
  );
}
