import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const MODULE = new URL('../../../bench/peak-memory.ts', import.meta.url).href;

it('is the peak of the process itself, not of the one that started it', async () => {
  const held = Buffer.alloc(512 * 1024 * 1024, 1);
  const script = `import { peakMemoryMiB } from ${JSON.stringify(MODULE)}; console.log(await peakMemoryMiB());`;
  const args = ['--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(held[0]).toBe(1);
  expect(Number(stdout)).toBeGreaterThan(20);
  expect(Number(stdout)).toBeLessThan(400);
});
