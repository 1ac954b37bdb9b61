import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { release } from 'node:os';
import type { SyncAll } from '../backup-repository.js';
import type { FileCalls, OpenFile } from '../file-calls.js';
import { errnoOf } from '../storage-error.js';

/** Numbers of syncfs(2), by Node's names of processors. Source: the `unistd.h` and `syscall.tbl` of each in Linux 6.1. */
const SYNCFS: Readonly<Record<string, number>> = {
  ...{ x64: 306, arm64: 267, riscv64: 267, loong64: 267 },
  ...{ arm: 373, ia32: 344, s390x: 338, ppc64: 348 },
};

export type Program = readonly [name: string, ...args: string[]];

/** Programs that call syncfs(2), which Node does not offer, for the very file that they are given open as their number 3, and end with its errno. The
 *  first that is there is taken. `sync` is none: it opens the file anew. */
export function programsFor(arch: string): readonly Program[] {
  const number = SYNCFS[arch];
  const perl: Program = ['perl', '-e', `exit(syscall(${number ?? 0}, 3) == 0 ? 0 : $! + 0)`];
  const library = 'import ctypes; c = ctypes.CDLL(None, use_errno=True)';
  const python = `${library}; raise SystemExit(c.syncfs(3) and ctypes.get_errno())`;
  return [...(number === undefined ? [] : [perl]), ['python3', '-I', '-S', '-c', python]];
}

/** Not to be had in this process: no program, or one that may not make that call. */
const useless = new Set<string>();

/** Opens a folder for syncs of the whole file system that holds it: whatever is mounted at its path by then, that one is meant.
 *
 *  The kernel tells of writes that failed once for each time a file was opened, and who opens one after that was told hears nothing (Linux,
 *  `errseq_t`). What was opened before the first write hears of all of them, whoever else asks.
 *  @returns null when the kernel does not tell, or there is no program for it */
export async function openSyncOfFileSystem(
  calls: Pick<FileCalls, 'open'>,
  path: string,
  { kernel = release(), programs = programsFor(process.arch) } = {},
): Promise<SyncAll | null> {
  const isToBeHad = programs.some(([name]) => !useless.has(name));
  if (!tellsFailedWrites(kernel) || !isToBeHad) return null;
  const folder = await calls.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  return { sync: () => syncFileSystem(folder, programs), close: () => folder.close() };
}

async function syncFileSystem(folder: OpenFile, programs: readonly Program[]): Promise<boolean> {
  for (const program of programs) {
    const [name] = program;
    if (useless.has(name)) continue;
    const answer = await run(program, folder);
    if (answer !== 'useless') return answer === 'done';
    useless.add(name);
  }
  return false;
}

const EPERM = 1;
const ENOSYS = 38;

async function run(
  [name, ...args]: Program,
  { fd }: OpenFile,
): Promise<'done' | 'failed' | 'useless'> {
  try {
    const child = spawn(name, args, { stdio: ['ignore', 'ignore', 'ignore', fd] });
    const [errno] = (await once(child, 'exit')) as [number | null];
    if (errno === 0) return 'done';
    // A script of Python that cannot begin ends with 1, too.
    return errno === EPERM || errno === ENOSYS ? 'useless' : 'failed';
  } catch (error) {
    const errno = errnoOf(error);
    return errno === 'ENOENT' || errno === 'EACCES' ? 'useless' : 'failed';
  }
}

/** Linux 5.8 is the first whose syncfs(2) tells that data could not be written (syncfs(2), VERSIONS); one before it answers as if all were well. */
export function tellsFailedWrites(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.', 2).map((part) => Number.parseInt(part, 10));
  return major > 5 || (major === 5 && minor >= 8);
}
