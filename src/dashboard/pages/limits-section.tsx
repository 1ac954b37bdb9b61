import { NativeSelect, NumberInput } from '@mantine/core';
import { useState } from 'react';
import type { LimitsView } from '../../api/repositories/limit-routes.js';
import type { RepositoryView } from '../../api/repositories/repository-schemas.js';
import type { Rate, RateLimit } from '../../domain/rate-limits.js';
import { useAction } from '../client/actions.js';
import { callApi } from '../client/call-api.js';
import { EVERY, useApi } from '../client/queries.js';
import { curlLine } from '../show/commands.js';
import { Confirm } from '../show/confirm.js';
import { CallFault } from '../show/fault.js';
import { bytes } from '../show/format.js';
import { spanWords } from '../show/job-words.js';
import { Section, Waiting } from '../show/page.js';

/** How fast a worker may read and write, and the constant limits to be changed; hours are set on the command line. */
export function LimitsSection({
  repositories,
}: {
  readonly repositories: readonly RepositoryView[];
}) {
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
              />
            ))}
          </dl>
          {hasHours(data) && <span className="small">Hours are those of {data.timeZone}.</span>}
          <div className="line">
            <SetLimit limits={data} repositories={repositories} />
          </div>
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
}

function Limit({ name, limit, now }: LimitProps) {
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
        {now !== undefined && limit.hours.length > 0 && (
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

const MIB = 1024 * 1024;
/** What the choice calls all repositories together. */
const ALL = '';

function SetLimit({
  limits,
  repositories,
}: {
  readonly limits: LimitsView;
  readonly repositories: readonly RepositoryView[];
}) {
  const [where, setWhere] = useState(ALL);
  const [read, setRead] = useState(0);
  const [write, setWrite] = useState(0);
  const rate: Rate = { readBytesPerSecond: bytesOf(read), writeBytesPerSecond: bytesOf(write) };
  const set = useAction({
    run: () => callApi('/limits', { method: 'PUT', body: withRate(limits, where, rate) }),
    done: 'The limit holds within seconds.',
  });
  const flags = `--read ${flagOf(read)} --write ${flagOf(write)}`;
  return (
    <Confirm
      verb="Set a limit"
      title="Set a limit"
      commands={[
        ['longhaul limit set', where, flags].filter((part) => part !== '').join(' '),
        curlLine('PUT', '/limits'),
      ]}
      isBusy={set.isPending}
      onConfirm={() => set.mutate()}
    >
      <NativeSelect
        label="Where"
        value={where}
        onChange={({ currentTarget }) => setWhere(currentTarget.value)}
        data={[
          { value: ALL, label: 'all repositories together' },
          ...repositories.map(({ id }) => ({ value: id, label: id })),
        ]}
      />
      <div className="line">
        <NumberInput
          label="Reads, MiB a second"
          description="0: as fast as it can"
          min={0}
          max={1_000_000}
          value={read}
          onChange={(value) => setRead(Number(value) || 0)}
        />
        <NumberInput
          label="Writes, MiB a second"
          description="0: as fast as it can"
          min={0}
          max={1_000_000}
          value={write}
          onChange={(value) => setWrite(Number(value) || 0)}
        />
      </div>
      <p className="definition">
        Copies, comparisons, checks and restores of each worker keep to it. Hours in which another
        one holds stay as they are.
      </p>
    </Confirm>
  );
}

function bytesOf(mib: number): number | null {
  return mib === 0 ? null : Math.round(mib * MIB);
}

function flagOf(mib: number): string {
  return mib === 0 ? 'none' : String(bytesOf(mib));
}

function withRate({ now: _now, ...limits }: LimitsView, where: string, rate: Rate): object {
  if (where === ALL) return { ...limits, service: { ...limits.service, ...rate } };
  const present = limits.repositories.find(({ repositoryId }) => repositoryId === where);
  const others = limits.repositories.filter(({ repositoryId }) => repositoryId !== where);
  const changed = { hours: present?.hours ?? [], ...rate, repositoryId: where };
  return { ...limits, repositories: [...others, changed] };
}
