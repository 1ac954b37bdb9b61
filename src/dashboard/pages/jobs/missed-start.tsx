import { Fault } from '../../show/fault.js';
import { Instant } from '../../show/instant.js';

/** A start that the calendar of a job had, and that did not come. @param zone of the job */
export function MissedStart({ at, zone }: { readonly at: string; readonly zone: string }) {
  return (
    <Fault
      what={
        <>
          It did not start <Instant at={at} zone={zone} as="date" />, when it should have.
        </>
      }
      hint="Look whether the server and Temporal run, and start it by hand if it is not to wait for its next start."
    />
  );
}
