import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ApiMetrics } from '../../../src/api/metrics.js';
import type { SessionStore } from '../../../src/api/sessions/session-store.js';
import { NOTHING_UNCOPIED } from '../../../src/domain/safety/uncopied-places.js';
import type { SafetyFacts } from '../../../src/domain/safety/safety-facts.js';
import { testJob } from '../../support/session/test-site.js';
import { MemoryExecutions } from '../../support/temporal/memory-executions.js';

const DEPLOY = join(import.meta.dirname, '..', '..', '..', 'deploy');
const RULES = join(DEPLOY, 'prometheus', 'rules.yaml');
const NOW_MS = Date.parse('2026-11-26T12:00:00Z');
const NOW_SECONDS = NOW_MS / 1_000;

const hasPromtool = spawnSync('promtool', ['--version']).status === 0;

function promtool(words: readonly string[], input?: string) {
  const { status, stdout, stderr } = spawnSync('promtool', words, { input, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

const ENABLED = {
  ...({ state: 'enabled', missedStartAtMs: null, standsSinceMs: null } as const),
  ...{ fault: null, undecidedSessionId: null },
};

/** A machine that is well and one that is in no job, and a target that has never been seen. */
const FACTS: SafetyFacts = {
  repositories: [
    {
      ...{ id: 'primary', role: 'primary', seenAtMs: NOW_MS, awaySinceMs: null, code: null },
      ...{
        reason: null,
        totalBytes: null,
        freeBytes: null,
        fullAtMs: null,
        storageFaults: [],
        unreadable: [],
        uncopied: NOTHING_UNCOPIED,
      },
      workloads: ['web01', 'test3'].map((name) => ({
        ...{ is: 'source', id: `id-${name}`, name, type: 'libvirt-kvm', problem: null },
        restorePointCount: 1,
        recentAtSeconds: [NOW_SECONDS - 3_600],
        oldestAt: '2026-11-26T11:00:00Z',
      })),
    },
    {
      ...{ id: 'offsite', role: 'target', seenAtMs: NOW_MS, awaySinceMs: null, code: null },
      ...{
        reason: null,
        totalBytes: 1_000,
        freeBytes: 400,
        fullAtMs: null,
        storageFaults: [],
        unreadable: [],
        uncopied: NOTHING_UNCOPIED,
      },
      workloads: [
        {
          ...{ is: 'chain', id: 'id-web01', name: 'web01', type: 'libvirt-kvm', jobId: 'nightly' },
          ...{ idAsSource: 'nightly:id-web01', sourceRepositoryId: 'primary' },
          ...{ restorePointCount: 3, recentAtSeconds: [NOW_SECONDS - 7_200], storedBytes: 5_000 },
          oldestAt: '2026-11-24T10:00:00Z',
          newestCopiedAt: '2026-11-26T11:00:00Z',
          ...{ damagedCount: 0, neverVerifiedCount: 0, missedSince: null, keptSince: null },
          oldestVerifiedAt: '2026-11-25T12:00:00Z',
          leastReadAt: '2026-11-25T12:00:00Z',
          ...{ timeZone: 'UTC', days: [], today: '2026-11-26' },
        },
      ],
    },
    {
      ...{ id: 'vault', role: 'target', seenAtMs: null, awaySinceMs: NOW_MS, code: null },
      ...{
        reason: 'away',
        totalBytes: null,
        freeBytes: null,
        fullAtMs: null,
        storageFaults: [],
        unreadable: [],
        uncopied: NOTHING_UNCOPIED,
      },
      workloads: [],
    },
  ],
  jobs: [
    {
      job: testJob({
        sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] },
        rpo: { maxCopyAgeHours: 26, maxLagHours: null, workloads: [] },
      }),
      ...ENABLED,
    },
    {
      job: testJob({
        ...{ id: 'second', target: { repositoryId: 'vault' } },
        sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] },
        rpo: { maxCopyAgeHours: 0.5, maxLagHours: null, workloads: [] },
      }),
      ...ENABLED,
    },
  ],
  fileBackups: [],
  unreadJobs: [],
  failingChannels: [],
  unreadLists: [],
  unreadDeliveries: null,
  unknownChannelJobs: [],
};

async function exposition(): Promise<string> {
  const client = {
    options: { namespace: 'test' },
    workflow: { count: () => Promise.resolve({ count: 0 }) },
    workflowService: { listWorkflowExecutions: () => Promise.resolve({ executions: [] }) },
  } as unknown as Client;
  const read = () => Promise.resolve(FACTS);
  const metrics = new ApiMetrics(client, {} as SessionStore, { read }, NOW_MS);
  return (await metrics.scrape(NOW_MS)).text;
}

describe('the metrics', () => {
  let text: string;
  beforeAll(async () => {
    text = await exposition();
  });

  const OF_WEB01 =
    'workload="web01",workload_id="id-web01",source="primary",job="nightly",target="offsite"';

  it.each([
    ['longhaul_safe', 0],
    ['longhaul_workloads{state="ok"}', 0],
    ['longhaul_workloads{state="unknown"}', 1],
    ['longhaul_workloads{state="unprotected"}', 1],
    ['longhaul_problems{code="WORKLOAD_IN_NO_JOB",severity="error"}', 1],
    [
      'longhaul_workload_newest_source_timestamp_seconds{workload="web01",workload_id="id-web01",source="primary"}',
      NOW_SECONDS - 3_600,
    ],
    [`longhaul_workload_newest_copy_timestamp_seconds{${OF_WEB01}}`, NOW_SECONDS - 7_200],
    [`longhaul_workload_rpo_seconds{${OF_WEB01}}`, 93_600],
    [`longhaul_workload_late{${OF_WEB01}}`, 0],
    [`longhaul_workload_verified_timestamp_seconds{${OF_WEB01}}`, NOW_SECONDS - 86_400],
    [`longhaul_workload_restore_points{${OF_WEB01}}`, 3],
    [`longhaul_workload_stored_bytes{${OF_WEB01}}`, 5_000],
    ['longhaul_repository_free_bytes{repository="offsite",role="target"}', 400],
    ['longhaul_repository_total_bytes{repository="offsite",role="target"}', 1_000],
    ['longhaul_repository_reachable{repository="offsite",role="target"}', 1],
    ['longhaul_repository_reachable{repository="vault",role="target"}', 0],
  ])('have %s', (series, value) => {
    expect(text.split('\n')).toContain(`${series} ${value}`);
  });

  it('tell nothing of what was never seen', () => {
    expect(text).not.toContain('longhaul_repository_free_bytes{repository="vault"');
    // No number of restore points either: 0 would be an alarm (LonghaulNoCopy).
    expect(text).toMatch(/longhaul_workload_late\{.*target="vault"\} 0/);
    expect(text).not.toMatch(/longhaul_workload_restore_points\{.*target="vault"/);
  });

  it.each(['prometheus/rules.yaml', 'prometheus/rules.test.yaml', 'grafana/longhaul.json'])(
    'have every one that deploy/%s names',
    (file) => {
      const known = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name ?? ''));
      const named = new Set(readFileSync(join(DEPLOY, file), 'utf8').match(/\blonghaul_\w+/g));
      expect(named.size).toBeGreaterThan(3);
      expect([...named].filter((name) => !known.has(name))).toEqual([]);
    },
  );

  it.runIf(hasPromtool)('are found well-formed by promtool', () => {
    expect(promtool(['check', 'metrics'], text)).toMatchObject({ status: 0 });
  });
});

describe('the alert rules', () => {
  it('have a summary and a severity each', () => {
    const { groups } = parse(readFileSync(RULES, 'utf8')) as {
      groups: { rules: { alert: string; labels?: object; annotations?: object }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(5);
    for (const { alert, labels, annotations } of rules) {
      expect([alert, labels]).toEqual([
        alert,
        expect.objectContaining({ severity: expect.anything() as unknown }),
      ]);
      expect([alert, annotations]).toEqual([
        alert,
        expect.objectContaining({ summary: expect.anything() as unknown }),
      ]);
    }
  });

  it.runIf(hasPromtool)('are accepted by promtool, and fire when they should', () => {
    expect(promtool(['check', 'rules', RULES])).toMatchObject({ status: 0 });
    const tests = join(DEPLOY, 'prometheus', 'rules.test.yaml');
    expect(promtool(['test', 'rules', tests])).toMatchObject({ status: 0 });
  });
});

it('a session that could not be read at one scrape is counted at the next, once', async () => {
  const workflowId = 'session/nightly-2026-11-26T22:00:00Z';
  let isAway = true;
  const get = () => {
    if (isAway) return Promise.reject(new Error('no answer'));
    return Promise.resolve({ result: 'success', progress: { transferredBytes: 5 } });
  };
  const known = new MemoryExecutions();
  known.executions = [
    {
      ...{ workflowId, runId: 'run', type: 'copySession', status: 'Completed', jobId: 'nightly' },
      ...{ startMs: NOW_MS - 1_000, closeMs: NOW_MS },
    },
  ];
  const client = known.client({ workflow: { count: () => Promise.resolve({ count: 0 }) } });
  const store = { get } as unknown as SessionStore;
  const metrics = new ApiMetrics(client, store, { read: () => Promise.resolve(FACTS) }, NOW_MS);
  await expect(metrics.scrape(NOW_MS)).rejects.toThrow('no answer');
  isAway = false;
  for (let scrape = 0; scrape < 2; scrape++)
    expect((await metrics.scrape(NOW_MS)).text).toContain(
      'longhaul_sessions_total{result="success"} 1',
    );
});
