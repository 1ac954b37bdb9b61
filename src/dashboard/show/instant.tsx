import { useNow } from '../client/now.js';
import { dateTime, moment, relative, shortDateTime, VIEWER_ZONE } from './format.js';

interface InstantProps {
  /** RFC 3339, or epoch milliseconds. */
  readonly at: string | number;
  /** Of the job; its time stands beside the viewer's. */
  readonly zone?: string | undefined;
  /** `date`: the time itself instead of the distance to it; `moment`: with its seconds. */
  readonly as?: 'distance' | 'date' | 'moment';
}

/** An instant as its distance from now; the instant in the job's zone and the viewer's is shown on hover, and read aloud. */
export function Instant({ at, zone, as = 'distance' }: InstantProps) {
  const nowMs = useNow();
  const atMs = typeof at === 'number' ? at : Date.parse(at);
  if (Number.isNaN(atMs)) return <>unknown</>;
  const text =
    as === 'distance' ? relative(atMs, nowMs) : as === 'date' ? shortDateTime(atMs) : moment(atMs);
  return (
    <time dateTime={new Date(atMs).toISOString()} title={inZones(atMs, zone)}>
      {text}
    </time>
  );
}

function inZones(atMs: number, zone: string | undefined): string {
  const here = `${dateTime(atMs, VIEWER_ZONE)} ${VIEWER_ZONE}`;
  if (zone === undefined || zone === VIEWER_ZONE) return here;
  return `${dateTime(atMs, zone)} ${zone} (job); ${here} (yours)`;
}

/** `As of 12 s ago`, of what a page shows. */
export function AsOf({ atMs }: { readonly atMs: number | null }) {
  if (atMs === null || atMs === 0) return null;
  return (
    <span className="as-of">
      As of <Instant at={atMs} />
    </span>
  );
}
