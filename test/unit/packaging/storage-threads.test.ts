import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

/** Says how many threads the process has once all of the pool are there (proc(5), `/proc/pid/task`). */
const COUNTING = `
import { readdirSync } from 'node:fs';
import { stat } from 'node:fs/promises';
await Promise.all(Array.from({ length: 300 }, () => stat('/')));
console.log(readdirSync('/proc/self/task').length);
`;

/** Node.js, Command-line API, UV_THREADPOOL_SIZE: 4 unless it is set before the pool is used. */
describe('the command, as it is started', () => {
  const threads = (command: string, size?: string): number => {
    const folder = mkdtempSync(join(tmpdir(), 'longhaul-command-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const started = join(folder, 'longhaul.cjs');
    copyFileSync(join(import.meta.dirname, '../../../src/bin/longhaul.cjs'), started);
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    writeFileSync(join(folder, 'longhaul.js'), COUNTING);
    const env = { PATH: process.env['PATH'], UV_THREADPOOL_SIZE: size };
    return Number(execFileSync(process.execPath, [started, command], { env }).toString());
  };

  it.each(['serve', 'worker', 'api'])('%s waits for storage on 128 threads', (command) => {
    expect(threads(command)).toBeGreaterThanOrEqual(128);
  });

  it('takes what was set by hand, and starts no threads for a question', () => {
    expect(threads('worker', '16')).toBeLessThan(64);
    expect(threads('jobs')).toBeLessThan(64);
  });
});
