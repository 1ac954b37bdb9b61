import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Whether the tool can be run, for `describe.skipIf(!requireTool('qemu-img'))`.
 *  Without it the tests are counted as skipped on a developer's machine and are a failure in CI (`CI` set). */
export function requireTool(name: string, askVersion = '--version'): boolean {
  try {
    execFileSync(name, [askVersion], { stdio: 'ignore' });
    return true;
  } catch (error) {
    if (process.env['CI'] !== undefined)
      throw new Error(`${name} cannot be run, and in CI no test may be skipped`, { cause: error });
    return false;
  }
}

/** A folder of its own for one test file, and how to remove it. */
export function temporaryFolder(): { path: string; remove(): Promise<void> } {
  const path = mkdtempSync(join(tmpdir(), 'longhaul-image-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export async function qemuImg(...args: string[]): Promise<string> {
  return (await run('qemu-img', args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}

/** Runs qemu-io commands such as `write -P 0x11 64k 128k` on an image file. */
export async function qemuIo(path: string, format: string, commands: string[]): Promise<void> {
  const args = commands.flatMap((command) => ['-c', command]);
  await run('qemu-io', ['-f', format, ...args, path]);
}

/** The guest disk as QEMU reads it, parents included. */
export async function qemuBytes(path: string, format: string): Promise<Buffer> {
  const raw = `${path}.expected`;
  await run('qemu-img', ['convert', '-f', format, '-O', 'raw', path, raw]);
  const bytes = await readFile(raw);
  await rm(raw);
  return bytes;
}

/** A part of that disk: how to read it from a file of the format. */
export function qemuPart(format: string) {
  return async (offset: number, length: number, path: string): Promise<Buffer> => {
    const raw = `${path}.part`;
    const options = `driver=raw,offset=${offset},size=${length},file.driver=${format},file.file.driver=file,file.file.filename=${path}`;
    await run('qemu-img', ['convert', '--image-opts', '-O', 'raw', options, raw]);
    const bytes = await readFile(raw);
    await rm(raw);
    return bytes;
  };
}

/** Errors and leaked clusters that `qemu-img check` counts. */
export async function qemuCheck(path: string): Promise<{ errors: number; leaks: number }> {
  const args = ['check', '-f', 'qcow2', '--output=json', path];
  // check exits with 2 (errors) or 3 (leaks) and still prints its report.
  const output = await run('qemu-img', args).catch((error: unknown) => {
    if (error instanceof Error && 'stdout' in error) return { stdout: String(error.stdout) };
    throw error;
  });
  const report: unknown = JSON.parse(output.stdout);
  return {
    errors: countOf(report, 'corruptions') + countOf(report, 'check-errors'),
    leaks: countOf(report, 'leaks'),
  };
}

function countOf(report: unknown, field: string): number {
  const value: unknown = Object.entries(report ?? {}).find(([name]) => name === field)?.[1];
  return typeof value === 'number' ? value : 0;
}

/** Whether QEMU reads the same guest disk from both qcow2 files, parents included; a longer one must go on with zeros. */
export async function qemuReadsTheSame(left: string, right: string): Promise<boolean> {
  const args = ['compare', '-f', 'qcow2', '-F', 'qcow2', left, right];
  return run('qemu-img', args).then(
    () => true,
    (error: unknown) => {
      const DIFFERENT = 1;
      if (error instanceof Error && 'code' in error && error.code === DIFFERENT) return false;
      throw error;
    },
  );
}
