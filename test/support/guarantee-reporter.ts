import { relative } from 'node:path';
import type { Reporter, TestModule, Vitest } from 'vitest/node';
import { ATTACKS } from './attacks.js';
import { guarantees, unproven, type TestOutcome } from './guarantees.js';

/** Fails a run in which a test that the README names as a proof, or that refuses an attack on readers, was there and did not pass: a title alone proves nothing. What was
 *  skipped, because its tool is missing here, is only told; with `CI` set it fails. A run of single tests by name is not judged. */
export default class GuaranteeReporter implements Reporter {
  #vitest: Vitest | null = null;

  onInit(vitest: Vitest): void {
    this.#vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const { root, testNamePattern } = this.#vitest!.config;
    if (testNamePattern !== undefined) return;
    const outcomes = modules.flatMap((module) => outcomesOf(module, root));
    const proofs = [...guarantees().flatMap((guarantee) => guarantee.proofs), ...ATTACKS];
    const lines = unproven(proofs, outcomes);
    for (const line of lines) console.error(line);
    const isFailed = lines.some((line) => !line.includes(', skipped: '));
    if (isFailed || (lines.length > 0 && process.env['CI'] !== undefined)) process.exitCode = 1;
  }
}

function outcomesOf(module: TestModule, root: string): TestOutcome[] {
  const path = relative(root, module.moduleId);
  return [...module.children.allTests()].map((test) => {
    const { state } = test.result();
    const [title, fullTitle] = [test.name, test.fullName];
    return { path, title, fullTitle, state: state === 'pending' ? 'skipped' : state };
  });
}
