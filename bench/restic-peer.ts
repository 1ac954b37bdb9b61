import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runProgram } from './commands.js';
import { timed, type BenchCase } from './rounds.js';
import type { BenchSite } from './suite.js';

/** Copies the snapshot of an image from one restic repository into a new one. Each file is synced by restic itself. */
export async function resticCase(site: BenchSite, image: string): Promise<BenchCase> {
  const folder = join(site.folder, 'restic');
  const source = join(folder, 'source');
  const target = join(folder, 'target');
  const password = join(folder, 'password');
  await mkdir(folder);
  await writeFile(password, 'bench');
  const restic = (repository: string, ...args: string[]) =>
    runProgram(
      'restic',
      ...['--quiet', '--cache-dir', join(folder, 'cache')],
      ...['--password-file', password, '--repo', repository],
      ...args,
    );
  const from = ['--from-repo', source, '--from-password-file', password];
  await restic(source, 'init');
  await restic(source, 'backup', image);
  return {
    name: 'restic copy',
    prepare: async () => {
      await rm(target, { recursive: true, force: true });
      await restic(target, 'init', '--copy-chunker-params', ...from);
    },
    run: () => timed(() => restic(target, 'copy', ...from)),
  };
}
