import { Button, NativeSelect, NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { LimitsView } from '../../../api/limits/limit-routes.js';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import { useAction } from '../../client/actions.js';
import type { ApiError } from '../../client/call-api.js';
import { ActionButton } from '../../show/action-button.js';
import { CommandLines, curlLine } from '../../show/commands.js';
import { SpanFields } from '../../show/day-fields.js';
import { CallFault } from '../../show/fault.js';
import { printable } from '../../../domain/printable.js';
import {
  ALL,
  FIRST_HOURS,
  hoursPath,
  limitCommands,
  limitPlaces,
  limitsWith,
  limitWishOf,
  type HoursWish,
  type RateWish,
} from './limit-wish.js';

interface LimitFormProps {
  readonly limits: LimitsView;
  readonly repositories: readonly RepositoryView[];
}

/** The limit of one place, always and in some hours of the week; the others stay. */
export function LimitForm({ limits, repositories }: LimitFormProps) {
  const [isOpen, setOpen] = useState(false);
  const [chosen, setWhere] = useState(ALL);
  const places = limitPlaces(
    limits,
    repositories.map(({ id }) => id),
  );
  // What is not configured any more is gone from the choice once its limit is cleared.
  const where = places.some(({ id }) => id === chosen) ? chosen : ALL;
  return (
    <details className="commands" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>Change the limits</summary>
      {isOpen && (
        <div className="stack">
          <NativeSelect
            label="Where"
            value={where}
            onChange={({ currentTarget }) => setWhere(currentTarget.value)}
            data={[
              { value: ALL, label: 'all repositories together' },
              ...places.map(({ id, isConfigured }) => ({
                value: id,
                label: isConfigured ? id : `${printable(id)} (not configured any more)`,
              })),
            ]}
            className="narrow"
          />
          <LimitOf key={where} limits={limits} where={where} />
        </div>
      )}
    </details>
  );
}

interface LimitOfProps {
  /** As they are now. */
  readonly limits: LimitsView;
  readonly where: string;
}

function LimitOf({ limits: current, where }: LimitOfProps) {
  // What is typed was meant for these: what others set meanwhile is shown and not written over.
  const [limits, setLimits] = useState(current);
  const [wish, setWish] = useState(() => wishIn(current, where));
  const beginWith = (seen: LimitsView): void => {
    setLimits(seen);
    setWish(wishIn(seen, where));
  };
  const body = limitsWith(limits, where, wish);
  const set = useAction<LimitsView>({
    method: 'PUT',
    path: '/limits',
    body,
    headers: { 'If-Match': String(limits.revision) },
    done: 'The limit holds within seconds.',
    then: beginWith,
  });
  const withHours = (hours: readonly HoursWish[]): void => setWish({ ...wish, hours });
  return (
    <>
      <RateFields label="" rate={wish} onChange={(rate) => setWish({ ...wish, ...rate })} />
      {wish.hours.map((hours, at) => (
        <HoursFields
          key={at}
          number={at + 1}
          hours={hours}
          faults={faultsAt(set.error, hoursPath(limits, where, at))}
          onChange={(changed) => withHours(wish.hours.with(at, changed))}
          onRemove={() => withHours(wish.hours.toSpliced(at, 1))}
        />
      ))}
      <Button
        w="fit-content"
        variant="default"
        onClick={() => withHours([...wish.hours, FIRST_HOURS])}
      >
        Add hours with another limit
      </Button>
      {wish.hours.length > 0 && (
        <TextInput
          label="In the time zone"
          description="Of the hours of all limits."
          value={wish.timeZone}
          onChange={({ currentTarget }) =>
            setWish({ ...wish, timeZone: currentTarget.value.trim() })
          }
          className="narrow"
          required
        />
      )}
      <p className="definition">
        Copies, comparisons, checks and restores of each worker keep to it. In its hours another
        limit takes the place of the constant one; of several that hold at once the lowest counts.
      </p>
      {set.error !== null && (
        <CallFault error={set.error} what="The limits were not changed: they are as they were." />
      )}
      {current.revision > limits.revision && (
        <SetMeanwhile
          onBegin={() => {
            set.reset();
            beginWith(current);
          }}
        />
      )}
      <ActionButton action={set} onClick={() => set.mutate()}>
        Set this limit
      </ActionButton>
      <CommandLines
        lines={[
          ...limitCommands(limits, where, wish),
          curlLine('PUT', '/limits', body, { 'If-Match': String(limits.revision) }),
        ]}
      />
    </>
  );
}

function SetMeanwhile({ onBegin }: { readonly onBegin: () => void }) {
  return (
    <div className="line">
      <p className="wrong">Somebody else has set limits since this form was opened.</p>
      <Button w="fit-content" variant="default" onClick={onBegin}>
        Begin again with the limits as they are now
      </Button>
    </div>
  );
}

function wishIn(limits: LimitsView, where: string) {
  return { ...limitWishOf(limits, where), timeZone: limits.timeZone };
}

/** What the server says of a part of what was sent. */
function faultsAt(error: ApiError | null, path: string): string[] {
  return (error?.fields ?? [])
    .filter((field) => field.path.startsWith(`${path}.`))
    .map((field) => `${field.path.slice(path.length + 1)}: ${field.message}`);
}

interface RateFieldsProps {
  /** What is said behind the names of the fields: which hours they are of. */
  readonly label: string;
  readonly rate: RateWish;
  readonly onChange: (rate: RateWish) => void;
}

function RateFields({ label, rate: { read, write }, onChange }: RateFieldsProps) {
  const common = { description: '0: as fast as it can', min: 0, max: 1_000_000 };
  return (
    <div className="line">
      <NumberInput
        {...common}
        label={`Reads${label}, MiB a second`}
        value={read}
        onChange={(value) => onChange({ read: Number(value) || 0, write })}
      />
      <NumberInput
        {...common}
        label={`Writes${label}, MiB a second`}
        value={write}
        onChange={(value) => onChange({ read, write: Number(value) || 0 })}
      />
    </div>
  );
}

interface HoursFieldsProps {
  readonly number: number;
  readonly hours: HoursWish;
  readonly faults: readonly string[];
  readonly onChange: (hours: HoursWish) => void;
  readonly onRemove: () => void;
}

function HoursFields({ number, hours, faults, onChange, onRemove }: HoursFieldsProps) {
  return (
    <fieldset className="hours">
      <legend>Hours {number}</legend>
      <SpanFields label="From" span={hours} onChange={(span) => onChange({ ...hours, ...span })} />
      <RateFields label=" then" rate={hours} onChange={(rate) => onChange({ ...hours, ...rate })} />
      {faults.map((fault) => (
        <p key={fault} className="wrong">
          {printable(fault)}
        </p>
      ))}
      <Button w="fit-content" size="compact-sm" variant="default" onClick={onRemove}>
        Remove hours {number}
      </Button>
    </fieldset>
  );
}
