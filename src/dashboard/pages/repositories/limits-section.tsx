import type { LimitsView } from '../../../api/limits/limit-routes.js';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import type { Rate, RateLimit } from '../../../domain/rate-limits.js';
import { EVERY, useApi } from '../../client/queries.js';
import { CallFault } from '../../show/fault.js';
import { bytes } from '../../show/format.js';
import { spanWords } from '../../show/job-words.js';
import { Section, Waiting } from '../../show/page.js';
import { LimitForm } from './limit-form.js';

/** How fast a worker may read and write, always and in some hours of the week. */
export function LimitsSection({
  repositories,
}: {
  readonly repositories: readonly RepositoryView[];
}) {
  const configured = repositories.map(({ id }) => id);
  const { data, error } = useApi<LimitsView>('/limits', { everyMs: EVERY.minute });
  return (
    <Section
      title="Limits"
      note="How fast each worker may read and write; a change holds within seconds, also for what runs."
    >
      {error !== null && <CallFault error={error} what="The limits could not be read." />}
      {data === undefined && error === null && <Waiting what="Asking for the limits" />}
      {data !== undefined && (
        <div className="stack">
          <dl className="facts">
            <Limit name="All repositories together" limit={data.service} now={data.now.service} />
            {data.repositories.map((limit, index) => (
              <Limit
                key={limit.repositoryId}
                name={limit.repositoryId}
                limit={limit}
                now={data.now.repositories[index]}
                isHolding={configured.includes(limit.repositoryId)}
              />
            ))}
          </dl>
          {hasHours(data) && <span className="small">Hours are those of {data.timeZone}.</span>}
          <LimitForm limits={data} repositories={repositories} />
        </div>
      )}
    </Section>
  );
}

function hasHours({ service, repositories }: LimitsView): boolean {
  return [service, ...repositories].some(({ hours }) => hours.length > 0);
}

interface LimitProps {
  readonly name: string;
  readonly limit: RateLimit;
  readonly now: Rate | undefined;
  /** False: of a repository that has left the configuration. */
  readonly isHolding?: boolean;
}

function Limit({ name, limit, now, isHolding = true }: LimitProps) {
  return (
    <>
      <dt>{name}</dt>
      <dd>
        {ratesWords(limit)}
        {limit.hours.map((span, index) => (
          <div key={index} className="small">
            {spanWords(span)}: {ratesWords(span)}
          </div>
        ))}
        {!isHolding && (
          <div className="small">
            No repository of that name is configured any more: it holds nothing, and can be cleared
            below.
          </div>
        )}
        {now !== undefined && isHolding && limit.hours.length > 0 && (
          <div className="small">Just now: {ratesWords(now)}</div>
        )}
      </dd>
    </>
  );
}

function ratesWords({ readBytesPerSecond, writeBytesPerSecond }: Rate): string {
  if (readBytesPerSecond === null && writeBytesPerSecond === null) return 'no limit';
  return `reads ${rateWords(readBytesPerSecond)}, writes ${rateWords(writeBytesPerSecond)}`;
}

function rateWords(bytesPerSecond: number | null): string {
  return bytesPerSecond === null
    ? 'as fast as it can'
    : `at most ${bytes(bytesPerSecond)} a second`;
}
