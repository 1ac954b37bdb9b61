import { describe, expect, it } from 'vitest';
import { applyLimits } from '../../../src/bin/live-limits.js';
import { NO_LIMIT } from '../../../src/domain/rate-limits.js';
import { restorePointKey } from '../../../src/domain/targets/repository-view.js';
import { listSourceWorkloads } from '../../../src/mover/source/source-catalogue.js';
import type {
  FolderRepository,
  ReadableFile,
  WritableFile,
} from '../../../src/repository/backup-repository.js';
import { RateMeters } from '../../../src/repository/rate-meters.js';
import { GrowingSource } from '../../support/living/growing-source.js';
import { pointsOf, wrongPoints } from '../../support/living/read-chain.js';
import { SimulatedRepository } from '../../support/repository/simulated-repository.js';
import { PassedBytes, VirtualClock } from '../../support/repository/virtual-clock.js';
import { testJob } from '../../support/session/test-site.js';
import { LocalSessions } from '../../support/workflows/local-sessions.js';

const DAY_MS = 86_400_000;
const MIB = 1024 * 1024;
const FIRST_AT_MS = Date.parse('2026-11-23T12:00:00Z');
/** More than any request of the mover: a window, with what a format has around it. */
const REQUEST_BYTES = 9 * MIB;

interface Counted {
  readonly repository: FolderRepository;
  read: PassedBytes;
  written: PassedBytes;
}

/** Counts what passes behind the meters. */
function counted(inner: FolderRepository, clock: VirtualClock): Counted {
  const reader = (file: ReadableFile): ReadableFile => ({
    path: file.path,
    stamp: () => file.stamp(),
    close: () => file.close(),
    read: (buffer, offset) => {
      one.read.add(buffer.byteLength);
      return file.read(buffer, offset);
    },
  });
  const writer = (file: WritableFile): WritableFile => ({
    ...reader(file),
    truncate: (bytes) => file.truncate(bytes),
    sync: () => file.sync(),
    write: (buffer, offset) => {
      one.written.add(buffer.byteLength);
      return file.write(buffer, offset);
    },
  });
  const one: Counted = {
    repository: {
      ...inner.fenced(() => undefined),
      openRead: async (path) => reader(await inner.openRead(path)),
      openReadPastCache: async (path) => reader(await inner.openReadPastCache(path)),
      openWrite: async (path, create) => writer(await inner.openWrite(path, create)),
    },
    read: new PassedBytes(clock),
    written: new PassedBytes(clock),
  };
  return one;
}

describe('the limits of repositories and service', () => {
  it('are obeyed by copy, comparison, verification and restore', async () => {
    const clock = new VirtualClock();
    const primary = counted(new SimulatedRepository('primary'), clock);
    const target = counted(new SimulatedRepository('offsite'), clock);
    const machine = new GrowingSource(primary.repository, 'db01', { blockCount: 256 });
    await machine.backUp(FIRST_AT_MS, 'full');
    const ids = ['primary', 'offsite'];
    const meters = RateMeters.of(ids, clock);
    const destination = new SimulatedRepository('folder:/restored');
    const sites = [primary.repository, target.repository, destination];
    const sessions = new LocalSessions(sites, { meters });
    const rate = (read: number | null, write: number | null) => ({
      ...NO_LIMIT,
      readBytesPerSecond: read,
      writeBytesPerSecond: write,
    });
    const limit = (service: number | null, source: number, reads: number, writes: number) => {
      const repositories = [
        { repositoryId: 'primary', ...rate(source, null) },
        { repositoryId: 'offsite', ...rate(reads, writes) },
      ];
      const limits = { timeZone: 'UTC', service: rate(service, null), repositories };
      applyLimits(meters, ids, limits, FIRST_AT_MS);
    };
    /** Runs `work`, and says for each way how much passed and whether it was ever more than its rate allows. */
    const during = async (
      work: () => Promise<unknown>,
      rates: readonly [number, number, number],
    ) => {
      for (const one of [primary, target]) {
        one.read = new PassedBytes(clock);
        one.written = new PassedBytes(clock);
      }
      const beganAt = clock.seconds;
      await clock.during(work());
      const ways = [primary.read, target.read, target.written];
      return {
        seconds: clock.seconds - beganAt,
        bytes: ways.map(({ total }) => total),
        tooFast: ways.flatMap((way, index) =>
          [1, 5, 20].filter(
            (seconds) => way.mostWithin(seconds) > rates[index]! * seconds + 2 * REQUEST_BYTES,
          ),
        ),
      };
    };
    const job = testJob();

    limit(null, MIB, 4 * MIB, 2 * MIB);
    const copy = await during(
      () => sessions.copy(job, FIRST_AT_MS + DAY_MS),
      [MIB, 4 * MIB, 2 * MIB],
    );
    // 8 MiB of data are stored.
    expect([copy.tooFast, copy.bytes[0]! >= 8 * MIB, copy.bytes[2]! >= 8 * MIB]).toEqual([
      [],
      true,
      true,
    ]);
    expect(copy.seconds).toBeGreaterThan((copy.bytes[0]! - REQUEST_BYTES) / MIB);

    machine.work(3);
    await machine.backUp(FIRST_AT_MS + 2 * DAY_MS, 'full');
    limit(null, MIB / 2, 4 * MIB, 2 * MIB);
    const scan = await during(
      () => sessions.copy(job, FIRST_AT_MS + 3 * DAY_MS),
      [MIB / 2, 4 * MIB, 2 * MIB],
    );
    expect([scan.tooFast, scan.bytes[2]! < 4 * MIB]).toEqual([[], true]);
    expect(scan.seconds).toBeGreaterThan((scan.bytes[0]! - REQUEST_BYTES) / (MIB / 2));

    // The service alone holds it back here.
    limit(MIB / 4, 100 * MIB, 100 * MIB, 100 * MIB);
    const check = await during(
      () => sessions.verify('offsite', FIRST_AT_MS + 4 * DAY_MS),
      [MIB / 4, MIB / 4, 100 * MIB],
    );
    expect(check.tooFast).toEqual([]);
    expect(check.seconds).toBeGreaterThan((check.bytes[1]! - REQUEST_BYTES) / (MIB / 4));

    const [workload] = await listSourceWorkloads(primary.repository);
    const chain = { repository: target.repository, jobId: job.id, workloadId: workload!.id };
    const [first] = await pointsOf(chain);
    const restore = {
      repositoryId: 'offsite',
      restorePointId: restorePointKey([job.id, workload!.id, first!.id]),
      destinationPath: '/restored',
      format: 'raw',
    } as const;
    const restored = await during(
      () => sessions.restore(restore, FIRST_AT_MS + 5 * DAY_MS),
      [MIB / 4, MIB / 4, 100 * MIB],
    );
    expect([restored.tooFast, restored.bytes[1]! >= 8 * MIB]).toEqual([[], true]);
    expect(restored.seconds).toBeGreaterThan((restored.bytes[1]! - REQUEST_BYTES) / (MIB / 4));

    expect(await wrongPoints(chain, ({ createdAt }) => machine.diskAt(createdAt))).toEqual([]);
  });
});
