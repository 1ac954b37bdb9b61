import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { RestorePointView } from '../../../domain/targets/repository-view.js';
import { printable } from '../../../domain/printable.js';
import { bytes, dateTime, VIEWER_ZONE } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { sayPoint, sizeBytesOf } from './points.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';

interface PointRowsProps {
  readonly points: readonly RestorePointView[];
  readonly label: string;
  readonly onChoose: (id: string) => void;
  readonly verb?: string;
  /** No job keeps them any more: what is said of retention is what its job had said. */
  readonly isLeft?: boolean;
  /** Below each row. */
  readonly more?: (point: RestorePointView) => ReactNode;
}

export function PointRows(props: PointRowsProps) {
  const { points, label, onChoose, verb = 'Choose', more, isLeft = false } = props;
  const columns: readonly Column<RestorePointView>[] = [
    {
      head: 'Moment',
      width: '1.5fr',
      cell: ({ createdAt }) => (
        <>
          <Instant at={createdAt} as="moment" />{' '}
          <span className="small">
            <Instant at={createdAt} />
          </span>
        </>
      ),
    },
    { head: 'Kind', width: '5.4rem', cell: ({ kind }) => kind },
    { head: 'State', width: '7.6rem', cell: (point) => <State said={sayPoint(point)} /> },
    {
      head: 'Last verified',
      width: '1.1fr',
      cell: ({ verifiedAt }) => (verifiedAt === null ? 'never' : <Instant at={verifiedAt} />),
    },
    { head: 'Size', width: '0.9fr', cell: (point) => bytes(sizeBytesOf(point)) },
    {
      head: isLeft ? 'Was kept because' : 'Kept because',
      width: '1.6fr',
      cell: (point) => <WhyKept point={point} />,
    },
    {
      head: verb,
      width: '6.5rem',
      cell: ({ id, createdAt }) => (
        <Button
          size="compact-sm"
          variant="default"
          onClick={() => onChoose(id)}
          aria-label={`${verb} ${dateTime(Date.parse(createdAt), VIEWER_ZONE)}`}
        >
          {verb}
        </Button>
      ),
    },
  ];
  return (
    <Rows
      label={label}
      columns={columns}
      rows={points}
      keyOf={({ id }) => id}
      below={(point) => {
        const below = belowPoint(point);
        const rest = more?.(point) ?? null;
        return below === null && rest === null ? null : (
          <>
            {below}
            {rest}
          </>
        );
      }}
    />
  );
}

const FLAGS = { weekly: 'W', monthly: 'M', yearly: 'Y' } as const;

function WhyKept({
  point: { retention, keptBecause, keptUntil, jobId },
}: {
  readonly point: RestorePointView;
}) {
  if (jobId === null) return <span className="faint">Longhaul deletes nothing in a source</span>;
  return (
    <span className="chips">
      {retention.map((flag) => (
        <span className="chip" key={flag} title={flag}>
          {FLAGS[flag]}
          <span className="skip">{flag}</span>
        </span>
      ))}
      <span className="small">
        {keptBecause.length === 0
          ? 'not said: its job’s definition is not there'
          : keptBecause.map(printable).join('; ')}
        {keptUntil !== null && (
          <>
            {' '}
            (until <Instant at={keptUntil} as="date" />)
          </>
        )}
      </span>
    </span>
  );
}

function belowPoint({ reason, lookAgainAt }: RestorePointView) {
  if (reason === null && lookAgainAt === null) return null;
  return (
    <span className="small">
      {reason !== null && printable(reason)}{' '}
      {lookAgainAt !== null && (
        <>
          Looked at again <Instant at={lookAgainAt} />.
        </>
      )}
    </span>
  );
}
