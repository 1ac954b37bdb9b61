import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { open } from 'node:fs/promises';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Runs a program to its end; its output is dropped.
 *  @throws with what it wrote to stderr when it fails */
export async function runProgram(program: string, ...args: string[]): Promise<void> {
  await outputOf(program, ...args);
}

/** What a program writes to its standard output.
 *  @throws with what it wrote to stderr when it fails */
export async function outputOf(program: string, ...args: string[]): Promise<string> {
  return (await execute(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
}

/** Runs a program that takes commands on its standard input. */
export async function feedProgram(program: string, args: string[], input: string): Promise<void> {
  const child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0 || errors !== '') throw new Error(`${program} ended with ${code}: ${errors}`);
}

/** First line that a program prints when asked for its version; null when it is not installed. */
export async function programVersion(program: string, ...args: string[]): Promise<string | null> {
  try {
    const { stdout } = await execute(program, args.length > 0 ? args : ['--version']);
    return stdout.split('\n')[0]!.trim();
  } catch {
    return null;
  }
}

/** fsync, so that the clock of a tool that does not call it stops at the same point as ours. */
export async function makeDurable(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
