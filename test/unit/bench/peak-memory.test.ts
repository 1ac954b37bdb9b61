import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const MIB = 1024 * 1024;
const MODULE = new URL('../../../bench/peak-memory.ts', import.meta.url).href;

/** Of the goals in bench/results.ts, and docs/PERFORMANCE.md: what a mover may hold at most. */
const GOAL_MIB = 160;

/** @param code run before the question */
async function peakOfChild(code: string): Promise<number> {
  const script = `import { peakMemoryMiB } from ${JSON.stringify(MODULE)}; ${code}; console.log(await peakMemoryMiB());`;
  const args = ['--expose-gc', '--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}

describe('peak memory', () => {
  it('is that of the process itself, not of the one that started it, and leaves a mover room below its goal', async () => {
    const held = Buffer.alloc(512 * MIB, 1);
    const idleMiB = await peakOfChild('');
    expect(held[0]).toBe(1);
    // The program of Node.js alone.
    expect(idleMiB).toBeGreaterThan(30);
    expect(idleMiB).toBeLessThan(GOAL_MIB);
  });

  it('is what the process held at once, not what it holds in the end', async () => {
    const peakMiB = await peakOfChild(
      `let held = Buffer.alloc(${GOAL_MIB * MIB}, 1); held = null; globalThis.gc?.()`,
    );
    expect(peakMiB).toBeGreaterThan(GOAL_MIB + 30);
    expect(peakMiB).toBeLessThan(2 * GOAL_MIB);
  });
});
