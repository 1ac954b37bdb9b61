import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

/** Runs where these programs are on PATH; elsewhere its tests are counted as skipped. */
export function describeWithTool(
  title: string,
  programs: readonly string[],
  body: () => void,
): void {
  const hasAll = programs.every((program) => spawnSync(program, ['--version']).error === undefined);
  describe.skipIf(!hasAll)(title, body);
}
