import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { NO_TASKS } from '../../../src/domain/sessions/copy-session.js';
import { runCommand } from '../../../src/cli/program.js';

interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly headers: Record<string, unknown>;
}

/** What the server answers to `METHOD /path` below the base path; text is sent as it is. */
type Answers = Readonly<Record<string, { status?: number; body?: unknown; text?: string }>>;

interface RunOptions {
  readonly isInteractive?: boolean;
  readonly environment?: Record<string, string>;
}

export interface CommandBench {
  readonly url: string;
  /** Working folder of the command. */
  readonly folder: string;
  readonly seen: readonly SeenRequest[];
  answer(answers: Answers): void;
  /** Runs `longhaul <words>` against the server. */
  run(
    words: readonly string[],
    options?: RunOptions,
  ): Promise<{ readonly code: number; readonly out: string; readonly err: string }>;
  close(): void;
}

/** The command on a terminal of its own, before a server that answers what the test says. */
export async function openCommandBench(): Promise<CommandBench> {
  const seen: SeenRequest[] = [];
  let answers: Answers = {};
  const folder = mkdtempSync(join(tmpdir(), 'longhaul-cli-'));
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString('utf8');
      const method = request.method ?? '';
      const path = (request.url ?? '').replace('/api/v1', '');
      const body: unknown = text === '' ? null : JSON.parse(text);
      seen.push({ method, path, body, headers: request.headers });
      const unknown = { code: 'ROUTE_NOT_FOUND', detail: `${method} ${path}`, hint: 'none' };
      const answer = answers[`${method} ${path}`] ?? { status: 404, body: unknown };
      response.statusCode = answer.status ?? 200;
      response.end(answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    folder,
    seen,
    answer: (next) => {
      answers = next;
    },
    run: (words, options = {}) => run(words, { LONGHAUL_SERVER: url }, folder, options),
    close: () => {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function run(
  words: readonly string[],
  defaultEnvironment: Record<string, string>,
  workingFolder: string,
  { isInteractive = false, environment = defaultEnvironment }: RunOptions,
) {
  let out = '';
  let err = '';
  const terminal = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
    isInteractive,
    columns: 100,
    environment,
    workingFolder,
  };
  const notCalled = () => Promise.reject(new Error('not a part of this test'));
  const code = await runCommand(words, terminal, {
    serve: (options) => Promise.resolve(options.config === 'full.yaml' ? 42 : 0),
    api: notCalled,
    worker: ({ repositories, control }) =>
      Promise.resolve(repositories.length + (control ? 10 : 0)),
    demo: notCalled,
  });
  return { code, out, err };
}

const PROGRESS = {
  percent: 50,
  processedBytes: 1_073_741_824,
  totalBytes: 2_147_483_648,
  readBytes: 0,
  transferredBytes: 0,
  reusedBytes: 0,
  storedBytes: 0,
  bytesPerSecond: 104_857_600,
  etaSeconds: 3_725,
};
export const SESSION = {
  id: 'nightly-20261124T220000Z',
  jobId: 'nightly',
  trigger: 'api',
  startedBy: null,
  tryNumber: 1,
  nextTryAt: null,
  state: 'running',
  result: null,
  startedAt: '2026-11-24T22:00:00.000Z',
  endedAt: null,
  targetRepositoryId: 'offsite',
  progress: PROGRESS,
  taskCounts: { ...NO_TASKS, running: 1 },
  tasks: [],
  omittedTasks: 0,
  reason: null,
  waitsUntil: null,
  retry: null,
  waits: null,
  bottleneck: null,
  live: true,
};
export const TASK = {
  workload: 'web01',
  workloadId: 'ovirt-web01',
  state: 'copying',
  stateSince: null,
  spentMs: {},
  result: null,
  algorithm: 'full',
  restorePoint: null,
  remainingPoints: 0,
  committed: [],
  progress: PROGRESS,
  moverTimes: null,
  resumedFromBytes: 0,
  attempt: 1,
  code: null,
  reason: null,
  waitsFor: null,
  waitsUntil: null,
  notes: [],
  omitted: null,
  recorded: false,
  retry: null,
  waits: null,
  bottleneck: null,
};
export const JOB = {
  id: 'nightly',
  name: 'Nightly',
  description: '',
  revision: 3,
  mode: 'periodic',
  sources: { include: [{ repositoryId: 'primary', workloads: ['web01'] }], exclude: [] },
  target: { repositoryId: 'offsite' },
  restorePoints: 'latest',
  retention: { type: 'days', value: 30 },
  gfs: null,
  timeZone: 'UTC',
  schedule: { type: 'daily', time: '22:00', timeZone: 'UTC' },
  missedStarts: 'run',
  allowedHours: null,
  retry: { attempts: 3, pausesMinutes: [10] },
  onSourceChainRecreated: 'requireNewJob',
  storage: { digest: 'sha256' },
  healthCheck: null,
  compact: null,
  rpo: null,
  removedWorkloadsAfterDays: null,
  replaces: null,
  state: 'actionRequired',
  nextRunAt: '2026-11-24T22:00:00.000Z',
  lastSession: { ...SESSION, state: 'ended', result: 'actionRequired' },
  nextTryAt: null,
  skippedStarts: 0,
  missedStartAt: null,
};
