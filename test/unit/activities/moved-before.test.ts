import { expect, it } from 'vitest';
import { runBatch } from '../../../activities/task/block-activities.js';
import { NO_TIMES } from '../../../src/domain/sessions/mover-times.js';
import { InProcessMover } from '../../support/mover/in-process-mover.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import type { DataMover } from '../../../src/mover/data-mover.js';
import { inActivity } from '../../support/activities/in-activity.js';

const BATCH = { targetRepositoryId: 'offsite', windowCount: 2 };
const TOLD = {
  ...{ readBytes: 300, transferredBytes: 200, reusedBytes: 50, storedBytes: 250 },
  times: { ...NO_TIMES, sourceMs: 7 },
};

/** A batch of which one window is done, and the other one is read now.
 *  @param heartbeatDetails of the attempt before */
function secondAttempt(heartbeatDetails: unknown) {
  const mover = new InProcessMover(new SimulatedRepository('offsite'));
  const run = () =>
    runBatch(
      mover as Pick<DataMover, keyof DataMover> as DataMover,
      BATCH,
      () => Promise.resolve([{ first: 1, count: 1 }]),
      (_, control) => {
        control.add('readBytes', 1_000);
        return Promise.resolve();
      },
    );
  return inActivity(run, null, { attempt: 2, heartbeatDetails });
}

it('counts what an attempt that died had moved before, as far as its last heartbeat told', async () => {
  expect(await secondAttempt({ ...TOLD, processedBytes: 9, bytesPerSecond: 9 })).toMatchObject({
    ...{ readBytes: 1_300, transferredBytes: 200, reusedBytes: 50, storedBytes: 250 },
    ...{ processedBytes: 0, resumedWindows: 1, attempt: 2, times: { sourceMs: 7 } },
  });
});

it.each([[undefined], [null], [{ readBytes: 5 }], ['done']])(
  'counts its own alone where the attempt before told %j',
  async (details) => {
    expect(await secondAttempt(details)).toMatchObject({ readBytes: 1_000, transferredBytes: 0 });
  },
);
