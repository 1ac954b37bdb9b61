import {
  Button,
  Checkbox,
  NativeSelect,
  NumberInput,
  Radio,
  Textarea,
  TextInput,
} from '@mantine/core';
import type { RepositoryView } from '../../../api/repositories/repository-schemas.js';
import { DayFields, SpanFields } from '../../show/day-fields.js';
import { VIEWER_ZONE } from '../../show/format.js';
import { FIRST_SPAN, type JobWishes } from './new-job.js';

interface WishFieldsProps {
  readonly wishes: JobWishes;
  readonly onChange: (wishes: JobWishes) => void;
}

interface PlaceFieldsProps extends WishFieldsProps {
  readonly repositories: readonly RepositoryView[];
}

interface WhatFieldsProps extends PlaceFieldsProps {
  readonly isNew?: boolean;
}

export function WhatFields({ wishes, onChange, repositories, isNew = true }: WhatFieldsProps) {
  return (
    <div className="stack">
      <TextInput
        label="Name"
        description={isNew ? 'Its id is made from it and never changes.' : undefined}
        placeholder="Nightly off-site"
        value={wishes.name}
        onChange={({ currentTarget }) => onChange({ ...wishes, name: currentTarget.value })}
        required
        className="narrow"
      />
      <Checkbox.Group
        label={isNew ? 'Everything in' : 'From'}
        value={[...wishes.sources]}
        onChange={(sources) => onChange({ ...wishes, sources })}
      >
        <div className="stack">
          {repositories.map(({ id, role, place }) => (
            <Checkbox
              key={id}
              value={id}
              label={`${id} (${role}, ${place})`}
              disabled={id === wishes.target}
            />
          ))}
        </div>
      </Checkbox.Group>
      <Textarea
        label="But not these machines"
        description="A name or id a line; * is any text, ? one character (test-*). Machines that come later are copied unless they are of one of these."
        value={wishes.excluded}
        onChange={({ currentTarget }) => onChange({ ...wishes, excluded: currentTarget.value })}
        autosize
        minRows={1}
        className="narrow"
      />
      <Radio.Group
        label="Which restore points"
        value={wishes.scope}
        onChange={(scope) => onChange({ ...wishes, scope: scope })}
      >
        <div className="stack">
          <Radio value="all" label="every one, also those that came between two starts" />
          <Radio value="latest" label="only the newest one at each start" />
        </div>
      </Radio.Group>
    </div>
  );
}

export function WhereFields({ wishes, onChange, repositories }: PlaceFieldsProps) {
  const targets = repositories.filter(({ role }) => role === 'target');
  return (
    <NativeSelect
      label="Target"
      value={wishes.target}
      onChange={({ currentTarget: { value } }) =>
        onChange({ ...wishes, target: value, sources: wishes.sources.filter((id) => id !== value) })
      }
      data={[
        { value: '', label: targets.length === 0 ? 'no target is configured' : 'choose one' },
        ...targets.map(({ id, place }) => ({ value: id, label: `${id} (${place})` })),
      ]}
      className="narrow"
      required
    />
  );
}

/** @param asIs when a job starts that is edited, in words */
export function WhenFields({
  wishes,
  onChange,
  asIs,
  zones = { start: null, hours: null },
}: WishFieldsProps & {
  readonly asIs?: string;
  /** Of a job that is edited: clocks of its own that its start and its hours go by, and stay with. */
  readonly zones?: { readonly start: string | null; readonly hours: string | null };
}) {
  const hasTime = wishes.start === 'daily' || wishes.start === 'weekly';
  return (
    <div className="stack">
      <Radio.Group
        label="It starts"
        value={wishes.start}
        onChange={(start) => onChange({ ...wishes, start: start })}
      >
        <div className="stack">
          <Radio value="daily" label="every day" />
          <Radio value="weekly" label="on some days of the week" />
          <Radio value="immediate" label="as soon as something new is there" />
          <Radio value="manual" label="only by hand" />
          {asIs !== undefined && <Radio value="asIs" label={`as now: ${asIs}`} />}
        </div>
      </Radio.Group>
      {wishes.start === 'weekly' && (
        <DayFields
          label="Days"
          days={wishes.days}
          onChange={(days) => onChange({ ...wishes, days })}
        />
      )}
      <div className="line">
        {hasTime && (
          <TextInput
            type="time"
            label={zones.start === null ? 'At' : `At (${zones.start}, which stays)`}
            value={wishes.time}
            onChange={({ currentTarget }) => onChange({ ...wishes, time: currentTarget.value })}
            required
          />
        )}
        <TextInput
          label="In the time zone"
          description={`Days, weeks and hours of the job; yours is ${VIEWER_ZONE}.`}
          value={wishes.timeZone}
          onChange={({ currentTarget }) =>
            onChange({ ...wishes, timeZone: currentTarget.value.trim() })
          }
          required
        />
      </div>
      <HoursFields wishes={wishes} onChange={onChange} zone={zones.hours} />
    </div>
  );
}

function HoursFields({
  wishes,
  onChange,
  zone,
}: WishFieldsProps & { readonly zone: string | null }) {
  const withHours = (hours: JobWishes['hours']): void => onChange({ ...wishes, hours });
  return (
    <>
      <Checkbox
        label="It may copy only in some hours; outside them it waits where it is, and goes on when they begin"
        checked={wishes.hasHours}
        onChange={({ currentTarget }) => onChange({ ...wishes, hasHours: currentTarget.checked })}
      />
      {wishes.hasHours && (
        <>
          {zone !== null && <p className="nothing">These hours go by {zone}, which stays.</p>}
          {wishes.hours.map((span, at) => (
            <fieldset className="hours" key={at}>
              <legend>Hours {at + 1}</legend>
              <SpanFields
                label="It may copy from"
                span={span}
                onChange={(changed) => withHours(wishes.hours.with(at, changed))}
              />
              {wishes.hours.length > 1 && (
                <Button
                  w="fit-content"
                  size="compact-sm"
                  variant="default"
                  onClick={() => withHours(wishes.hours.toSpliced(at, 1))}
                >
                  Remove hours {at + 1}
                </Button>
              )}
            </fieldset>
          ))}
          <Button
            w="fit-content"
            variant="default"
            onClick={() => withHours([...wishes.hours, FIRST_SPAN])}
          >
            Add other hours
          </Button>
        </>
      )}
    </>
  );
}

/** @param check when a job that is edited has its copies checked, in words */
export function KeepFields({
  wishes,
  onChange,
  check = 'once a month (last Sunday, 05:00)',
}: WishFieldsProps & { readonly check?: string }) {
  const setCount = (name: 'keep' | 'maxCopyAgeHours' | 'maxLagHours') => (value: number | string) =>
    onChange({ ...wishes, [name]: Number(value) || 0 });
  return (
    <div className="stack">
      <div className="line">
        <NumberInput
          label="Keep"
          min={1}
          max={9_999}
          value={wishes.keep}
          onChange={setCount('keep')}
          w={110}
        />
        <NativeSelect
          label="of what"
          value={wishes.retention}
          onChange={({ currentTarget }) =>
            onChange({ ...wishes, retention: currentTarget.value as JobWishes['retention'] })
          }
          data={[
            { value: 'restorePoints', label: 'newest restore points' },
            { value: 'days', label: 'last days' },
          ]}
        />
      </div>
      <TierFields wishes={wishes} onChange={onChange} />
      <NumberInput
        label="The newest copy may be at most so many hours old"
        description="Older is shown as late, on the Overview and to every monitor. 0: no limit."
        min={0}
        value={wishes.maxCopyAgeHours}
        onChange={setCount('maxCopyAgeHours')}
        className="narrow"
      />
      <NumberInput
        label="A restore point may wait so many hours for its copy"
        description="Then it is late, too; what the source does not make is not missed. 0: no limit. With neither limit nothing says when a copy is late."
        min={0}
        value={wishes.maxLagHours}
        onChange={setCount('maxLagHours')}
        className="narrow"
      />
      <Checkbox
        label={`Read and compare all copies ${check}`}
        checked={wishes.isVerified}
        onChange={({ currentTarget }) => onChange({ ...wishes, isVerified: currentTarget.checked })}
      />
      {wishes.start === 'immediate' && (
        <Checkbox
          label="Copy transaction logs of databases, too"
          checked={wishes.copiesLogs}
          onChange={({ currentTarget }) =>
            onChange({ ...wishes, copiesLogs: currentTarget.checked })
          }
        />
      )}
    </div>
  );
}

const TIERS = [
  { tier: 'weekly', label: 'and weekly', width: 110 },
  { tier: 'monthly', label: 'monthly', width: 110 },
  { tier: 'yearly', label: 'yearly copies', width: 130 },
] as const;

function TierFields({ wishes, onChange }: WishFieldsProps) {
  return (
    <div className="line">
      {TIERS.map(({ tier, label, width }) => (
        <NumberInput
          key={tier}
          label={label}
          min={0}
          max={999}
          value={wishes[tier]}
          onChange={(value) => onChange({ ...wishes, [tier]: Number(value) || 0 })}
          w={width}
        />
      ))}
    </div>
  );
}
