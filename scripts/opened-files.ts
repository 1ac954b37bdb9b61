import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where the system calls of this process are written to; absent: it is not watched. */
const LOG = 'LONGHAUL_OPENED_FILES';

/** Runs this very program again under strace, which writes down what each of its threads opens; only these calls are stopped at.
 *  @returns whether it was done: false in the program that is watched, and where there is no strace */
export async function runWatched(): Promise<boolean> {
  const isThere = spawnSync('strace', ['-V'], { stdio: 'ignore' }).status === 0;
  if (process.env[LOG] !== undefined || !isThere) return false;
  const log = join(tmpdir(), `longhaul-opened-${process.pid}`);
  const trace = ['-f', '--seccomp-bpf', '-qq', '-y', '-e', 'trace=openat', '-o', log];
  const program = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn('strace', [...trace, ...program], {
    stdio: 'inherit',
    env: { ...process.env, [LOG]: log },
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  process.exitCode = code ?? 1;
  return true;
}

/** What was opened below a folder since the last call, by this process and its threads; null: it is not watched. */
export class OpenedFiles {
  #seenBytes = 0;
  readonly #begun = new Map<string, string>();

  async since(folders: Readonly<Record<string, string>>): Promise<Record<string, number> | null> {
    const log = process.env[LOG];
    if (log === undefined) return null;
    const text = (await readFile(log)).subarray(this.#seenBytes);
    this.#seenBytes += text.length;
    const paths = this.#filesOf(text.toString().split('\n'));
    return Object.fromEntries(
      Object.entries(folders).map(([name, folder]) => [
        name,
        paths.filter((path) => path.startsWith(`${folder}/`)).length,
      ]),
    );
  }

  /** A call of one thread may stand in two lines, with those of others between. */
  #filesOf(lines: readonly string[]): string[] {
    const paths: string[] = [];
    for (const line of lines) {
      const thread = line.split(' ', 1)[0]!;
      if (line.includes('<unfinished')) {
        this.#begun.set(thread, line);
        continue;
      }
      const call = line.includes('resumed>') ? `${this.#begun.get(thread)} ${line}` : line;
      const [, path] = /= \d+<([^>]*)>$/.exec(call) ?? [];
      if (path !== undefined && !call.includes('O_DIRECTORY')) paths.push(path);
    }
    return paths;
  }
}
