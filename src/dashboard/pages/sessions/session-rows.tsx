import { Link } from 'wouter';
import type { SessionSummary } from '../../../api/sessions/session-schemas.js';
import { useNow } from '../../client/now.js';
import { duration } from '../../show/format.js';
import { Instant } from '../../show/instant.js';
import { Rows, type Column } from '../../show/rows.js';
import { State } from '../../show/state.js';
import { saySession, sayTrigger } from '../../show/words.js';

interface SessionRowsProps {
  readonly sessions: readonly SessionSummary[];
  readonly label: string;
  readonly zone?: string | undefined;
}

export function SessionRows({ sessions, label, zone }: SessionRowsProps) {
  const columns: readonly Column<SessionSummary>[] = [
    {
      head: 'Session',
      width: '2.2fr',
      cell: ({ id }) => <Link href={`/sessions/${id}`}>{id}</Link>,
    },
    { head: 'Result', width: '1.2fr', cell: (session) => <State said={saySession(session)} /> },
    {
      head: 'Began',
      width: '1fr',
      cell: ({ startedAt }) => <Instant at={startedAt} zone={zone} as="date" />,
    },
    { head: 'Took', width: '0.9fr', cell: (session) => <Took session={session} /> },
    { head: 'Why it ran', width: '1.5fr', cell: (session) => sayTrigger(session) },
  ];
  return (
    <Rows label={label} columns={columns} rows={sessions} keyOf={({ id }) => id} below={nextTry} />
  );
}

function Took({ session: { startedAt, endedAt } }: { readonly session: SessionSummary }) {
  const nowMs = useNow();
  const endMs = endedAt === null ? nowMs : Date.parse(endedAt);
  const text = duration(endMs - Date.parse(startedAt));
  return endedAt === null ? `${text} so far` : text;
}

function nextTry({ nextTryAt }: SessionSummary) {
  if (nextTryAt === null) return null;
  return (
    <span className="small">
      What failed is tried again <Instant at={nextTryAt} />.
    </span>
  );
}
