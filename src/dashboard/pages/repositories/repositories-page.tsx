import { Link } from 'wouter';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { Growth } from '../../../domain/targets/growth.js';
import { EVERY, useApi, type ApiPage } from '../../client/queries.js';
import { Commands } from '../../show/commands.js';
import { CallFault, Fault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import { bytes, counted } from '../../show/format.js';
import { targetsFirst } from '../../show/repository-order.js';
import { Instant } from '../../show/instant.js';
import { Nothing, Page, Section, Waiting } from '../../show/page.js';
import { ProgressBar } from '../../show/progress.js';
import { State } from '../../show/state.js';
import type { Said } from '../../show/words.js';
import { LimitsSection } from './limits-section.js';
import { RepositoryActions } from './repository-actions.js';
import { StoredJobs } from './stored-jobs.js';

export function RepositoriesPage() {
  const repositories = useApi<ApiPage<RepositoryView>>('/repositories', { everyMs: EVERY.minute });
  const { data, error } = repositories;
  return (
    <Page title="Repositories" asOfMs={repositories.dataUpdatedAt}>
      {error !== null && <CallFault error={error} what="The repositories could not be read." />}
      {data === undefined && error === null && <Waiting what="Looking at each of them" />}
      {data?.items.length === 0 && <Nothing>No repository is configured.</Nothing>}
      {targetsFirst(data?.items ?? []).map((repository) => (
        <Repository key={repository.id} repository={repository} />
      ))}
      {data !== undefined && <LimitsSection repositories={data.items} />}
      <Commands lines={['longhaul repository list', 'longhaul limit show']} />
    </Page>
  );
}

function sayRepository({ reachable, storage }: RepositoryView): Said {
  if (!reachable) return { mood: 'bad', word: 'not reached' };
  if ((storage?.faults.length ?? 0) > 0) return { mood: 'bad', word: 'not fit for copies' };
  if ((storage?.warnings.length ?? 0) > 0)
    return { mood: 'attention', word: 'reached, with a warning' };
  return { mood: 'good', word: 'reached' };
}

const ROLES = {
  primary: 'read, never written',
  target: 'written by copy jobs',
  external: 'read-only, never a target',
} as const;

function Repository({ repository }: { readonly repository: RepositoryView }) {
  const { id, role, reachable, reason, storage, place } = repository;
  return (
    <Section
      title={id}
      note={`${role}: ${ROLES[role]}`}
      actions={<State said={sayRepository(repository)} />}
    >
      <div className="stack">
        {!reachable && (
          <Fault
            what={`${id} is not reached.`}
            reason={reason}
            hint={`Is ${place} there on the machine of its worker, and does the worker run? Copies wait, and go on by themselves when it is back.`}
          />
        )}
        {storage?.faults.map((fault) => (
          <Fault
            key={fault}
            what="Nothing can be copied here."
            reason={fault}
            since={storage.probedAt}
            hint="Mend the storage, then check it again."
          />
        ))}
        {storage?.warnings.map((warning) => (
          <Fault key={warning} mood="attention" what={printable(warning)} />
        ))}
        <Room repository={repository} />
        <RepositoryFacts repository={repository} />
        <RepositoryActions repository={repository} />
        {role === 'target' && <StoredJobs repositoryId={id} />}
      </div>
    </Section>
  );
}

/** Below this share a copy may soon find no room. */
const LOW_SHARE = 0.1;

function Room({
  repository: { id, role, totalBytes, freeBytes, reachable, growth },
}: {
  readonly repository: RepositoryView;
}) {
  if (totalBytes === null || freeBytes === null || totalBytes === 0)
    return reachable ? (
      <span className="small">The storage does not say how much room it has.</span>
    ) : (
      <span className="small">How much room it has is not known.</span>
    );
  const usedShare = 1 - freeBytes / totalBytes;
  const isLow = freeBytes / totalBytes < LOW_SHARE;
  return (
    <div>
      <ProgressBar
        percent={usedShare * 100}
        label={`Used room of ${id}`}
        mood={isLow ? 'bad' : 'busy'}
      />
      <span className="small">
        {isLow ? 'Nearly full: ' : ''}
        {bytes(freeBytes)} of {bytes(totalBytes)} are free
      </span>
      {role === 'target' && <GrowthLine growth={growth} />}
    </div>
  );
}

/** When do we buy disks? */
function GrowthLine({ growth }: { readonly growth: Growth | null }) {
  if (growth === null)
    return <p className="small">How fast it fills is known after a week with sessions.</p>;
  const { bytesPerDay, leastBytesPerDay, mostBytesPerDay, samples } = growth;
  const { fullAt, earliestFullAt, latestFullAt } = growth;
  return (
    <p className="small">
      {bytesPerDay > 0
        ? `It fills by ${bytes(bytesPerDay)} a day`
        : bytesPerDay < 0
          ? `It empties by ${bytes(-bytesPerDay)} a day`
          : 'It stays as full as it is'}{' '}
      (nine in ten: {signedBytes(leastBytesPerDay)} to {signedBytes(mostBytesPerDay)}, from{' '}
      {counted(samples, 'day')}).{' '}
      {fullAt === null ? (
        'It is not full within ten years at that pace'
      ) : (
        <>
          Full <Instant at={fullAt} />
        </>
      )}
      {earliestFullAt === null ? (
        '.'
      ) : (
        <>
          : <Instant at={earliestFullAt} /> at the earliest,{' '}
          {latestFullAt === null ? 'perhaps never' : <Instant at={latestFullAt} />} at the latest.
        </>
      )}
    </p>
  );
}

function signedBytes(count: number): string {
  return count < 0 ? `-${bytes(-count)}` : bytes(count);
}

function RepositoryFacts({ repository }: { readonly repository: RepositoryView }) {
  const { place, taskLimit, workloadLimit, usedSlots, storage, markerId, role } = repository;
  const { immutableForDays, settleSeconds } = repository;
  return (
    <dl className="facts">
      <dt>Place</dt>
      <dd>
        <code>{place}</code>
      </dd>
      <dt>Places in use</dt>
      <dd>
        {usedSlots === null
          ? `not known: no worker reports (limit ${taskLimit})`
          : `${usedSlots} of ${taskLimit}`}
      </dd>
      {role === 'target' ? (
        <>
          <dt>Workloads at once</dt>
          <dd>{workloadLimit}; others wait for their turn</dd>
          <dt>Protected from deletion</dt>
          <dd>
            {immutableForDays === 0
              ? 'no (immutableForDays: 0)'
              : `for ${immutableForDays} days after the commit`}
          </dd>
          <dt>Storage last tried</dt>
          <dd>{storage === null ? 'not known' : <Instant at={storage.probedAt} />}</dd>
          <dt>Marker</dt>
          <dd>
            {markerId === null ? 'none yet: it comes with the first copy' : <code>{markerId}</code>}
          </dd>
        </>
      ) : (
        <>
          <dt>Taken as whole after</dt>
          <dd>{settleSeconds} s without a change, where the backup tool leaves no mark</dd>
        </>
      )}
      <dt>What lies there</dt>
      <dd>
        <Link href={`/restore?repository=${repository.id}`}>machines and restore points</Link>
      </dd>
    </dl>
  );
}
