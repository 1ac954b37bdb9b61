import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { BackupRepository } from '../../../src/repository/backup-repository.js';
import { openDirectoryRepository } from '../../../src/repository/directory/directory-repository.js';
import { processEntry } from '../process-entry.js';
import { workflowBundle } from '../workflows/workflow-sandbox.js';
import { qemuFaultsIn } from './qemu-witness.js';
import { faultsOfDigests, readShownPoints, type Reading } from './read-points.js';
import type { Scenario } from './try-positions.js';

const PROCESS = fileURLToPath(new URL('./operation-process.ts', import.meta.url));
/** One thread makes all calls then, so that strace, which counts by thread, counts all of them. */
const ENVIRONMENT = { ...process.env, UV_THREADPOOL_SIZE: '1' };
const TIMEOUT_MS = 60_000;
const execute = promisify(execFile);

/** System calls by which the data mover changes storage or makes a change durable. */
export type StorageCall =
  'pwrite64' | 'fdatasync' | 'fsync' | 'rename' | 'unlink' | 'ftruncate' | 'rmdir';

/** A scenario in real folders, worked on by real processes. */
export class RealChain {
  private sessions = 0;

  /** @param folder an empty one */
  constructor(
    private readonly scenario: Scenario,
    private readonly work: 'copy' | 'merge',
    private readonly folder: string,
  ) {
    mkdirSync(this.offsite, { recursive: true });
    scenario.source.exportTo(join(folder, 'primary'));
    scenario.target.exportTo(this.offsite);
  }

  private get offsite(): string {
    return join(this.folder, 'offsite');
  }

  /** Kills a process right before it makes its `count`-th call of this kind. */
  async runUntil(call: StorageCall, count: number): Promise<void> {
    const inject = ['-e', `trace=${call}`, '-e', `inject=${call}:signal=KILL:when=${count}`];
    const ended = await this.run(['strace', '-f', '-qq', ...inject, '-o', '/dev/null']);
    if (ended !== 'SIGKILL') throw new Error(`not killed before ${call} ${count}: ${ended}`);
  }

  async runToEnd(): Promise<void> {
    const ended = await this.run([]);
    if (ended !== 'done') throw new Error(`after the restart: ${ended}`);
  }

  private async run(tracer: readonly string[]): Promise<string> {
    await workflowBundle(); // not in the process: its calls are counted
    const node = [process.execPath, await processEntry(PROCESS)];
    const [tool = '', ...args] = [...tracer, ...node];
    const number = String(++this.sessions);
    const options = { env: ENVIRONMENT, timeout: TIMEOUT_MS };
    try {
      await execute(tool, [...args, this.work, this.folder, number], options);
      return 'done';
    } catch (error) {
      if (error instanceof Error && 'signal' in error && error.signal === 'SIGKILL')
        return 'SIGKILL';
      return String(error);
    }
  }

  /** Points that the commit record shows, and what is wrong with them, to our reader and to qemu-img. */
  async look(mayLeak: boolean): Promise<Reading> {
    const target = await this.openTarget();
    const reading = await readShownPoints(target, this.scenario);
    const witnessed = await qemuFaultsIn(this.offsite, target, this.scenario, mayLeak);
    return { ...reading, faults: [...reading.faults, ...witnessed] };
  }

  private openTarget(): Promise<BackupRepository> {
    return openDirectoryRepository({ id: 'offsite', rootPath: this.offsite, readOnly: true });
  }

  async faultsOfDigests(): Promise<readonly string[]> {
    const target = await this.openTarget();
    return faultsOfDigests(target, this.scenario);
  }
}
