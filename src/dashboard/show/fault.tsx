import type { ReactNode } from 'react';
import { ApiError } from '../client/call-api.js';
import { useErrorTable } from '../client/error-table.js';
import { Instant } from './instant.js';
import { MoodIcon } from './state.js';
import { printable } from '../../domain/printable.js';
import type { StorageHold } from '../../domain/sessions/storage-wait.js';
import { withoutHint } from './sentence.js';
import type { Mood } from './words.js';

interface FaultProps {
  readonly mood?: Mood;
  /** What is wrong, in one sentence. */
  readonly what: ReactNode;
  /** When it began. */
  readonly since?: string | number | null;
  /** Why. */
  readonly reason?: string | null;
  readonly code?: string | null;
  /** What to do next; default: that of the code. */
  readonly hint?: string | null;
  /** The next step, to be pressed. */
  readonly children?: ReactNode;
}

/** What is not as it should be: what, since when, why, its code and what to do next. */
export function Fault({ mood = 'bad', what, since, reason, code, hint, children }: FaultProps) {
  const table = useErrorTable();
  const next = hint ?? (code === null || code === undefined ? null : table.hintOf(code));
  const why = withoutHint(reason ?? '', next ?? '');
  return (
    <div className="fault" data-mood={mood} role="group">
      <MoodIcon mood={mood} size={20} />
      <div className="fault-body">
        <div className="fault-what">
          {what}
          {since !== undefined && since !== null && (
            <span className="fault-since">
              {' '}
              since <Instant at={since} as="date" /> (<Instant at={since} />)
            </span>
          )}
        </div>
        {why !== '' && <div>{withCode(printable(why))}</div>}
        {next !== null && next !== '' && <div className="fault-next">Next: {withCode(next)}</div>}
        {code !== undefined && code !== null && (
          <a className="code" href={`/docs#${code}`}>
            {code}
          </a>
        )}
        {children !== undefined && <div className="fault-actions">{children}</div>}
      </div>
    </div>
  );
}

/** Storage that does not answer. */
export function StorageFault({
  waits,
  who = 'It',
}: {
  readonly waits: Pick<StorageHold, 'reason' | 'code'>;
  readonly who?: string;
}) {
  const what = `${who} waits for storage that does not answer.`;
  return <Fault mood="attention" what={what} reason={waits.reason} code={waits.code} />;
}

/** A call that failed. */
export function CallFault({ error, what }: { readonly error: unknown; readonly what: string }) {
  if (!(error instanceof ApiError)) {
    return (
      <Fault what={what} reason={String(error)} hint="This is a bug of the page: reload it." />
    );
  }
  const { code, message, hint, fields } = error;
  const reasons = fields.map(({ path, message: text }) =>
    path === '' ? text : `${path}: ${text}`,
  );
  return (
    <Fault
      what={what}
      reason={reasons.length > 0 ? reasons.join('; ') : message}
      code={code}
      hint={hint}
    />
  );
}

/** What stands between backticks is something to type. */
export function withCode(text: string): ReactNode[] {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part));
}
