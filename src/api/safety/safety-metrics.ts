/** What is known of the copies as Prometheus gauges: moments, not ages, so that they hold between two scrapes. */

import { Gauge, type Registry } from 'prom-client';
import type { ProtectedWorkload } from '../../domain/safety/protection.js';
import type { ChainFacts } from '../../domain/safety/workload-facts.js';
import { isKnown } from '../../domain/safety/sight.js';
import type { SafetyFacts } from '../../domain/safety/safety-facts.js';
import { safetyOf } from '../../domain/safety/safety.js';

const OF_SOURCE = ['workload', 'workload_id', 'source'] as const;
const OF_COPIES = [...OF_SOURCE, 'job', 'target'] as const;
const HOUR_SECONDS = 3_600;

const STATES: readonly ProtectedWorkload['state'][] = [
  'ok',
  'late',
  'unknown',
  'unprotected',
  'unwatched',
];

export class SafetyMetrics {
  readonly #registry: Registry;
  readonly #gauges: Gauge[] = [];
  readonly #safe = this.#gauge(
    'longhaul_safe',
    '1: all copies are well; 0: not, or not known.',
    [],
  );
  readonly #problems = this.#gauge('longhaul_problems', 'What is wrong, by code.', [
    'code',
    'severity',
  ]);
  readonly #workloads = this.#gauge('longhaul_workloads', 'Workloads, by state.', ['state']);
  readonly #newestSource = this.#gauge(
    'longhaul_workload_newest_source_timestamp_seconds',
    'Moment of the newest complete restore point that the source shows.',
    OF_SOURCE,
  );
  readonly #newestCopy = this.#gauge(
    'longhaul_workload_newest_copy_timestamp_seconds',
    'Moment of the newest copy that can be restored.',
    OF_COPIES,
  );
  readonly #rpo = this.#gauge(
    'longhaul_workload_rpo_seconds',
    'How old the newest copy may become (maxCopyAgeHours of the job).',
    OF_COPIES,
  );
  readonly #late = this.#gauge(
    'longhaul_workload_late',
    '1: a limit of the job is broken; 0: it is kept, or that is not known.',
    OF_COPIES,
  );
  readonly #verified = this.#gauge(
    'longhaul_workload_verified_timestamp_seconds',
    'When the copy that was not verified for the longest time was read and compared.',
    OF_COPIES,
  );
  readonly #points = this.#gauge('longhaul_workload_restore_points', 'Copies.', OF_COPIES);
  readonly #damaged = this.#gauge(
    'longhaul_workload_damaged_restore_points',
    'Copies that are damaged, or of which files are gone.',
    OF_COPIES,
  );
  readonly #stored = this.#gauge(
    'longhaul_workload_stored_bytes',
    'Bytes of the disk files of its copies.',
    OF_COPIES,
  );
  readonly #reachable = this.#gauge(
    'longhaul_repository_reachable',
    '1: the last look into the repository was answered.',
    ['repository', 'role'],
  );
  readonly #free = this.#gauge('longhaul_repository_free_bytes', 'Room left.', [
    'repository',
    'role',
  ]);
  readonly #total = this.#gauge('longhaul_repository_total_bytes', 'Size.', ['repository', 'role']);

  constructor(registry: Registry) {
    this.#registry = registry;
    for (const gauge of this.#gauges) this.#registry.registerMetric(gauge);
  }

  /** What is not known is not there: a repository that was never seen, a workload that is gone. */
  set(facts: SafetyFacts, nowMs: number): void {
    const { verdict, problems, workloads } = safetyOf(facts, nowMs);
    for (const gauge of this.#gauges) gauge.reset();
    this.#safe.set(verdict.state === 'safe' ? 1 : 0);
    for (const { code, severity } of problems) this.#problems.inc({ code, severity });
    for (const state of STATES)
      this.#workloads.set(
        { state },
        workloads.filter((workload) => workload.state === state).length,
      );
    for (const workload of workloads) this.#setWorkload(workload);
    for (const { id, role, awaySinceMs, seenAtMs, freeBytes, totalBytes } of facts.repositories) {
      const labels = { repository: id, role };
      this.#reachable.set(labels, awaySinceMs === null && seenAtMs !== null ? 1 : 0);
      if (freeBytes !== null) this.#free.set(labels, freeBytes);
      if (totalBytes !== null) this.#total.set(labels, totalBytes);
    }
  }

  #setWorkload(workload: ProtectedWorkload): void {
    const { name, id, source, copies, leftovers } = workload;
    const labels = { workload: name, workload_id: id, source: workload.repositoryId };
    const [newestSource] = source?.recentAtSeconds ?? [];
    if (newestSource !== undefined) this.#newestSource.set(labels, newestSource);
    for (const { job, repositoryId, target, chain, limits, status } of copies) {
      const own = { ...labels, job: job.id, target: repositoryId };
      this.#late.set(own, status.state === 'late' ? 1 : 0);
      if (limits.maxCopyAgeHours !== null)
        this.#rpo.set(own, limits.maxCopyAgeHours * HOUR_SECONDS);
      if (chain !== null) this.#setChain(own, chain);
      // In a target that nobody has seen there may be copies.
      else if (isKnown(target)) this.#points.set(own, 0);
    }
    // Nothing of them can be late, but they can be damaged.
    for (const { repositoryId: target, chain } of leftovers)
      this.#setChain({ ...labels, job: chain.jobId, target }, chain);
  }

  #setChain(
    labels: Readonly<Record<(typeof OF_COPIES)[number], string>>,
    { recentAtSeconds, restorePointCount, damagedCount, storedBytes, oldestVerifiedAt }: ChainFacts,
  ): void {
    const [newestCopy] = recentAtSeconds;
    this.#points.set(labels, restorePointCount);
    if (newestCopy !== undefined) this.#newestCopy.set(labels, newestCopy);
    this.#damaged.set(labels, damagedCount);
    this.#stored.set(labels, storedBytes);
    if (oldestVerifiedAt !== null)
      this.#verified.set(labels, Math.floor(Date.parse(oldestVerifiedAt) / 1_000));
  }

  #gauge<Name extends string>(
    name: string,
    help: string,
    labelNames: readonly Name[],
  ): Gauge<Name> {
    const gauge = new Gauge({ name, help, labelNames: [...labelNames], registers: [] });
    this.#gauges.push(gauge);
    return gauge;
  }
}
