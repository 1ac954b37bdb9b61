import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { processEntry } from '../process-entry.js';
import { MARK } from './trace-mark.js';

const PROCESS = fileURLToPath(new URL('./chain-process.ts', import.meta.url));
const TIMEOUT_MS = 120_000;
const execute = promisify(execFile);

/** Folders of a source chain and its copy, and a process that works on them under strace. */
export class TracedChain {
  private constructor(private readonly folder: string) {}

  static async create(): Promise<TracedChain> {
    const folder = await mkdtemp(join(tmpdir(), 'longhaul-traced-'));
    for (const name of ['primary/db01', 'offsite', 'restored'])
      await mkdir(join(folder, name), { recursive: true });
    return new TracedChain(folder);
  }

  get machineFolder(): string {
    return join(this.folder, 'primary', 'db01');
  }

  /** Does `operations` (`chain-process.ts`) one after the other.
   *  @param options of strace
   *  @returns for each operation the lines that strace wrote while it was done */
  async trace(
    operations: readonly string[],
    ...options: readonly string[]
  ): Promise<Map<string, string[]>> {
    const output = join(this.folder, 'trace');
    const folders = ['primary', 'offsite', 'restored'].map((name) => join(this.folder, name));
    const node = [process.execPath, await processEntry(PROCESS), ...folders, ...operations];
    await execute('strace', ['-f', '-qq', ...options, '-e', 'signal=none', '-o', output, ...node], {
      timeout: TIMEOUT_MS,
    });
    const lines = new Map<string, string[]>();
    let current: string[] = [];
    for (const line of (await readFile(output, 'utf8')).split('\n')) {
      const name = MARKED.exec(line)?.[1];
      if (name === undefined) current.push(line);
      else lines.set(name, (current = []));
    }
    return lines;
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true });
  }
}

const MARKED = new RegExp(`access.*"${MARK}([a-z]+)"`);
