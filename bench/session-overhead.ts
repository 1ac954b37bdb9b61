import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ALL_PARTS, createLogger, startService } from '../src/bin/service.js';
import { parseConfig } from '../src/config/load-config.js';
import type { CopySession } from '../src/domain/sessions/copy-session.js';
import { WINDOW_BLOCKS, WINDOW_BYTES } from '../src/domain/targets/digest.js';
import { DEFAULT_COPY_SETTINGS } from '../src/domain/jobs/copy-settings.js';
import { findTemporalBinary } from '../src/temporal/find-binary.js';
import { median } from './rounds.js';
import type { SourceChains } from './source-chains.js';

interface SessionOverhead {
  /** A session that finds nothing to copy, from the request to its end. */
  readonly emptySeconds: number;
  /** A session that copies the full, without what the data mover alone takes for it. */
  readonly fixedSeconds: number;
  /** Each further batch of the copy. */
  readonly batchSeconds: number;
  /** Derived for a copy of 5 minutes at the speed of this run: part of the time, 0 to 1. */
  readonly partOfFiveMinutes: number;
}

const ROUNDS = 3;
const SMALL_BATCH_WINDOWS = 4;
const FIVE_MINUTES = 300;

/** What Temporal adds to a copy: sessions through a whole server, with its default batches and with small ones.
 *  @param copySeconds the data mover alone, for the same full
 *  @throws TEMPORAL_BINARY_MISSING */
export async function measureSessionOverhead(
  folder: string,
  sources: SourceChains,
  copySeconds: number,
): Promise<SessionOverhead> {
  const { batchWindows } = DEFAULT_COPY_SETTINGS;
  const binaryPath = await findTemporalBinary({
    configuredPath: process.env['LONGHAUL_TEMPORAL_BINARY_PATH'] ?? null,
    cacheFolder: join(import.meta.dirname, '..', '..', '.cache', 'temporal'),
    env: process.env,
    mayInstall: false,
  });
  const run = (name: string, windows: number) =>
    runSessions(join(folder, name), sources, windows, binaryPath);
  const normal = await run('normal', batchWindows);
  const small = await run('small', SMALL_BATCH_WINDOWS);
  const windows = Math.ceil(sources.dataBytes / WINDOW_BYTES);
  const moreBatches = Math.ceil(windows / SMALL_BATCH_WINDOWS) - Math.ceil(windows / batchWindows);
  const fixedSeconds = Math.max(0, normal.copySeconds - copySeconds);
  const batchSeconds = Math.max(0, small.copySeconds - normal.copySeconds) / moreBatches;
  const batches = (FIVE_MINUTES * sources.dataBytes) / copySeconds / (batchWindows * WINDOW_BYTES);
  return {
    emptySeconds: normal.emptySeconds,
    fixedSeconds,
    batchSeconds,
    partOfFiveMinutes: (fixedSeconds + batches * batchSeconds) / FIVE_MINUTES,
  };
}

async function runSessions(
  folder: string,
  sources: SourceChains,
  batchWindows: number,
  binaryPath: string,
): Promise<{ copySeconds: number; emptySeconds: number }> {
  await mkdir(join(folder, 'offsite'), { recursive: true });
  const config = parseConfig(
    JSON.stringify({
      server: { port: 0 },
      stateDirectory: './state',
      temporal: { type: 'embedded', port: 0, uiPort: 0, binaryPath },
      repositories: [
        { id: 'primary', path: sources.clustered.folder, role: 'primary' },
        { id: 'offsite', path: './offsite', role: 'target' },
      ],
      copy: { batchBlocks: batchWindows * WINDOW_BLOCKS },
    }),
    { name: 'the bench', folder, environment: {} },
  );
  const service = await startService(config, ALL_PARTS, createLogger('error'), process.env);
  try {
    const copies: number[] = [];
    const empties: number[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const job = `full-${round}`;
      await call(service.url!, 'POST', '/jobs', {
        id: job,
        name: job,
        mode: 'periodic',
        sources: { include: [{ repositoryId: 'primary' }] },
        target: { repositoryId: 'offsite' },
        restorePoints: 'latest',
        schedule: { type: 'manual' },
      });
      copies.push(await sessionSeconds(service.url!, job, 'success'));
      empties.push(await sessionSeconds(service.url!, job, 'nothingToCopy'));
    }
    return { copySeconds: median(copies), emptySeconds: median(empties) };
  } finally {
    await service.stop();
  }
}

async function sessionSeconds(
  url: string,
  jobId: string,
  expected: CopySession['result'],
): Promise<number> {
  await sleep(1_000); // session ids count in seconds
  const startedAtMs = performance.now();
  const started = await call<{ sessionId: string }>(url, 'POST', `/jobs/${jobId}/start`, {});
  for (;;) {
    const path = `/sessions/${started.sessionId}`;
    const { state, result, reason } = await call<CopySession>(url, 'GET', path);
    if (state === 'ended') {
      if (result === expected) return (performance.now() - startedAtMs) / 1000;
      throw new Error(`the session ended with ${result}: ${reason}`);
    }
    await sleep(20);
  }
}

async function call<T>(url: string, method: string, path: string, body?: object): Promise<T> {
  const response = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text) as T;
}
