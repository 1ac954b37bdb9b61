import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute and more. One of them that begins last keeps one worker busy for minutes while the other has nothing left to do. */
const LONG =
  /kill-table\/(kill-table|killed-process|power-cut)|years-of-copies|removed-workloads|dashboard\.test|worker-killed|live-stores/;

/** Of a clean checkout nothing is known of how long its tests take, and vitest goes by their sizes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  return LONG.test(moduleId) ? 0 : 1;
}
