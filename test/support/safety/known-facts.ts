/** Facts as looks into two repositories bring them, for what follows from them. */

import type { RepositoryFacts } from '../../../src/domain/safety/protection.js';
import type { JobFacts, SafetyFacts } from '../../../src/domain/safety/safety-facts.js';
import { NOTHING_UNCOPIED } from '../../../src/domain/safety/uncopied-places.js';
import type { ChainFacts, SourceFacts } from '../../../src/domain/safety/workload-facts.js';
import { testJob } from '../session/test-site.js';

const HOUR_MS = 3_600_000;
export const NOW_MS = Date.parse('2026-11-26T12:00:00Z');

export function ago(hours: number): number {
  return NOW_MS - hours * HOUR_MS;
}

export function instant(ms: number): string {
  return new Date(ms).toISOString();
}

export function source(name: string, hoursAgo: number): SourceFacts {
  return {
    is: 'source',
    id: `id-${name}`,
    name,
    type: 'libvirt-kvm',
    restorePointCount: 1,
    recentAtSeconds: [ago(hoursAgo) / 1_000],
    oldestAt: instant(ago(hoursAgo)),
    problem: null,
  };
}

export function chain(
  name: string,
  hoursAgo: number,
  changes: Partial<ChainFacts> = {},
): ChainFacts {
  return {
    is: 'chain',
    id: `id-${name}`,
    name,
    type: 'libvirt-kvm',
    jobId: 'nightly',
    idAsSource: `nightly:id-${name}`,
    sourceRepositoryId: 'primary',
    restorePointCount: 3,
    recentAtSeconds: [ago(hoursAgo) / 1_000],
    oldestAt: instant(ago(hoursAgo + 48)),
    newestCopiedAt: instant(ago(hoursAgo - 1)),
    damagedCount: 0,
    oldestVerifiedAt: instant(ago(6 * 24)),
    leastReadAt: instant(ago(6 * 24)),
    neverVerifiedCount: 0,
    storedBytes: 1,
    missedSince: null,
    timeZone: 'UTC',
    days: [],
    today: '2026-11-26',
    keptSince: null,
    ...changes,
  };
}

export function repository(
  id: string,
  workloads: RepositoryFacts['workloads'],
  changes: Partial<RepositoryFacts> = {},
): RepositoryFacts {
  return {
    id,
    role: id === 'primary' ? 'primary' : 'target',
    seenAtMs: NOW_MS,
    awaySinceMs: null,
    code: null,
    reason: null,
    totalBytes: null,
    freeBytes: null,
    fullAtMs: null,
    storageFaults: [],
    workloads,
    unreadable: [],
    uncopied: NOTHING_UNCOPIED,
    ...changes,
  };
}

export const RPO = { maxCopyAgeHours: 26, maxLagHours: null, workloads: [] };

export function nightly(changes: Partial<JobFacts> & { job?: JobFacts['job'] } = {}): JobFacts {
  const job = testJob({ rpo: RPO });
  const quiet = {
    missedStartAtMs: null,
    fault: null,
    undecidedSessionId: null,
    standsSinceMs: null,
  };
  return { job, state: 'enabled', ...quiet, ...changes };
}

export function facts(
  sources: SourceFacts[],
  chains: ChainFacts[],
  changes: Partial<SafetyFacts> = {},
): SafetyFacts {
  return {
    repositories: [repository('primary', sources), repository('offsite', chains)],
    jobs: [nightly()],
    fileBackups: [],
    unreadJobs: [],
    failingChannels: [],
    unreadLists: [],
    unreadDeliveries: null,
    unknownChannelJobs: [],
    ...changes,
  };
}
