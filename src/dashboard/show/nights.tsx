import { Link } from 'wouter';
import type { Night, NightState, WorkloadView } from '../../api/safety/overview-schemas.js';
import { counted } from './format.js';
import { Name } from './name.js';
import type { Mood } from './words.js';
import { workloadAddress } from './workload-words.js';

/** A sign besides the colour, for whoever does not see the difference of colours. */
const NIGHTS: Readonly<
  Record<NightState, { readonly mood: Mood; readonly sign: string; readonly word: string }>
> = {
  copied: { mood: 'good', sign: '✓', word: 'copied' },
  waiting: { mood: 'busy', sign: '…', word: 'not copied yet' },
  missed: { mood: 'bad', sign: '✕', word: 'there was one, and no sound copy of it is kept' },
  none: { mood: 'quiet', sign: '·', word: 'the source has none of this day' },
  outside: { mood: 'quiet', sign: '', word: 'before the first copy, or no longer kept' },
  unknown: { mood: 'unknown', sign: '?', word: 'the target was not seen' },
};

/** Workload × day. Each cell says its day and state when it is pointed at or read aloud. */
export function NightGrid({ workloads }: { readonly workloads: readonly WorkloadView[] }) {
  const dates = workloads[0]?.nights.map(({ date }) => date) ?? [];
  return (
    <div
      className="night-frame"
      ref={scrollToToday}
      tabIndex={0}
      role="group"
      aria-label="Grid of days"
    >
      <table className="nights">
        <thead>
          <tr>
            <th scope="col">Workload</th>
            {dates.map((date) => (
              <th scope="col" key={date} title={date}>
                {Number(date.slice(8))}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {workloads.map((workload) => (
            <tr key={workload.key}>
              <th scope="row">
                <Link href={workloadAddress(workload)}>
                  <Name>{workload.name}</Name>
                </Link>
              </th>
              {workload.nights.map((night) => (
                <NightCell key={night.date} night={night} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** What is narrow begins with the newest days: whether last night was copied is what somebody wants to see. */
function scrollToToday(frame: HTMLElement | null): void {
  if (frame !== null) frame.scrollLeft = frame.scrollWidth;
}

function NightCell({ night: { date, state, restorePoints } }: { readonly night: Night }) {
  const { mood, sign, word } = NIGHTS[state];
  const text = `${date}: ${word}${restorePoints > 0 ? `, ${counted(restorePoints, 'restore point')}` : ''}`;
  return (
    <td data-mood={mood} data-state={state} title={text}>
      <span aria-hidden="true">{sign}</span>
      <span className="skip">{text}</span>
    </td>
  );
}

export function NightKey() {
  return (
    <span className="night-key small">
      {Object.entries(NIGHTS)
        .filter(([, { sign }]) => sign !== '')
        .map(([state, { mood, sign, word }]) => (
          <span key={state}>
            <span className="night-sign" data-mood={mood} aria-hidden="true">
              {sign}
            </span>{' '}
            {word}
          </span>
        ))}
    </span>
  );
}
