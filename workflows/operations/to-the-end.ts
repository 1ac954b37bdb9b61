import {
  CancellationScope,
  CancelledFailure,
  isCancellation,
  patched,
  sleep,
  type ActivityInterfaceFor,
} from '@temporalio/workflow';
import type { RestoreActivities } from '../../activities/operations/restore-activities.js';
import { isOutOfTries, isUntaken, reasonOf } from '../failures.js';
import type { OperationState } from './operation-state.js';

/** Before, a stop while files got their names left some with them, and the restore could not go on in its folder. */
const TO_THE_END = 'restorePoint-20261128-names-to-the-end';

/** Before, a restore that was stopped ended while its last batch was still at work. */
export const WAITS_FOR_STOP = 'restorePoint-20261128-waits-for-stop';

/** Before, a stop waited for storage, or a worker, that was away while files got their names, for as long as they were tried. */
const HEEDS_STOP = 'restorePoint-20261128-heeds-stop-of-last-steps';

type Activities = ActivityInterfaceFor<RestoreActivities>;

/** How the last steps of a restore are tried. */
export interface LastTries {
  readonly activities: Activities;
  /** The same, which give up after a few tries, or where no worker takes them up for minutes: then a stop is heeded. */
  readonly fewTries: Activities;
  /** For how long a step is tried. */
  readonly limitMs: number;
}

interface LastSteps<T> {
  readonly name: (activities: Activities) => Promise<T>;
  /** What is left when all files have their names. */
  readonly end: (activities: Activities) => Promise<void>;
}

/** The last steps of a restore: a stop that comes now comes too late, which is said, as what is done. Only where their storage, or their worker, is
 *  away is it heeded.
 *  @throws CancelledFailure when it came before: a batch that is at its end ends, whoever waits for that; or when files could not be named */
export async function toTheEnd<T>(
  state: OperationState,
  tries: LastTries,
  { name, end }: LastSteps<T>,
): Promise<T> {
  const { activities } = tries;
  const both = async (): Promise<T> => {
    const done = await name(activities);
    await end(activities);
    return done;
  };
  if (!patched(TO_THE_END)) return both();
  if (CancellationScope.current().consideredCancelled && patched(WAITS_FOR_STOP))
    throw new CancelledFailure('stopped before the restored files got their names');
  const done = patched(HEEDS_STOP)
    ? await stepByStep(state, tries, { name, end })
    : await CancellationScope.nonCancellable(both);
  if (CancellationScope.current().consideredCancelled) state.note(TOO_LATE);
  return done;
}

async function stepByStep<T>(
  state: OperationState,
  tries: LastTries,
  { name, end }: LastSteps<T>,
): Promise<T> {
  const done = await tried(state, tries, name, PARTLY_NAMED);
  try {
    await tried(state, tries, end, LEFT_BEHIND);
  } catch (error) {
    // All that was ordered is there.
    if (!isCancellation(error)) throw error;
  }
  return done;
}

/** @param whenStopped what is noted then, before the reason */
async function tried<T>(
  state: OperationState,
  { fewTries, limitMs }: LastTries,
  step: (activities: Activities) => Promise<T>,
  whenStopped: string,
): Promise<T> {
  const endsAtMs = Date.now() + limitMs;
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS))
    try {
      return await CancellationScope.nonCancellable(() => step(fewTries));
    } catch (error) {
      const isLeft = isUntaken(error);
      const waitMs = isLeft ? 0 : pauseMs;
      if (!(isLeft || isOutOfTries(error)) || Date.now() + waitMs > endsAtMs) throw error;
      state.show(`waiting: ${reasonOf(error)}`);
      try {
        // In its queue it comes first as soon as a worker is there; apart from it others would come before.
        if (isLeft) throwIfStopped();
        else await sleep(waitMs);
      } catch (stop) {
        state.note(`${whenStopped}: ${reasonOf(error)}`);
        throw stop;
      }
    }
}

function throwIfStopped(): void {
  if (CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('stopped while no worker was there');
}

const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 5 * 60_000;

const TOO_LATE =
  'it was to be stopped while the restored files got their names: that came too late, and all of them have theirs';
const PARTLY_NAMED =
  'it was stopped while the restored files got their names: some may have theirs, and a further restore needs another folder, or this one without them';
const LEFT_BEHIND =
  'what the restore needed beside the files (a folder `.longhaul-restore-…`, a lease that ends by itself) could not be taken away';
