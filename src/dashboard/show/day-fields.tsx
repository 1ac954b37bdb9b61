import { Checkbox, TextInput } from '@mantine/core';
import type { WeeklySpan } from '../../domain/schedules/weekly-hours.js';
import { WEEKDAYS_FROM_MONDAY, type Weekday } from '../../domain/schedules/day-names.js';

interface DayFieldsProps {
  readonly label: string;
  readonly days: readonly Weekday[];
  readonly onChange: (days: Weekday[]) => void;
}

export function DayFields({ label, days, onChange }: DayFieldsProps) {
  return (
    <Checkbox.Group label={label} value={[...days]} onChange={onChange}>
      <div className="line">
        {WEEKDAYS_FROM_MONDAY.map((day) => (
          <Checkbox key={day} value={day} label={day} />
        ))}
      </div>
    </Checkbox.Group>
  );
}

interface SpanFieldsProps {
  readonly label: string;
  readonly span: WeeklySpan;
  readonly onChange: (span: WeeklySpan) => void;
}

/** Hours of some days of the week. */
export function SpanFields({ label, span, onChange }: SpanFieldsProps) {
  return (
    <>
      <div className="line fields">
        <TextInput
          type="time"
          label={label}
          value={span.from}
          onChange={({ currentTarget }) => onChange({ ...span, from: currentTarget.value })}
          required
        />
        <TextInput
          type="time"
          label="until"
          description="Of the next day when it is not later."
          value={span.to}
          onChange={({ currentTarget }) => onChange({ ...span, to: currentTarget.value })}
          required
        />
      </div>
      <DayFields
        label="On these days"
        days={span.days}
        onChange={(days) => onChange({ ...span, days })}
      />
    </>
  );
}
