import type { SessionSummary } from '../../../api/sessions/session-schemas.js';
import { dateTime, VIEWER_ZONE } from '../../show/format.js';
import { saySession } from '../../show/words.js';

const SHOWN_RUNS = 14;

/** The last runs, the newest on the right; each leads to its session. */
export function RunStrip({ sessions }: { readonly sessions: readonly SessionSummary[] }) {
  if (sessions.length === 0) return null;
  const runs = sessions.slice(0, SHOWN_RUNS).reverse();
  return (
    <span className="strip">
      {runs.map((session) => {
        const { word, mood } = saySession(session);
        const text = `${dateTime(Date.parse(session.startedAt), VIEWER_ZONE)}: ${word}`;
        return (
          <a
            key={session.id}
            href={`/sessions/${session.id}`}
            data-mood={mood}
            title={text}
            aria-label={text}
          />
        );
      })}
    </span>
  );
}
