import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take a minute and more. One of them that begins last keeps one worker busy for minutes while the others have nothing left to do. */
const LONG =
  /kill-table\/(kill-table|killed-process|power-cut|another-format|object-store)|source-histories|thousands-of-workloads|years-of-copies|removed-workloads|dashboard\.test|worker-killed|live-stores/;

/** In this order. A process goes on with the next file only when that one is of the same project; and the short files of `plain`, at the end,
 *  leave no worker without work. */
const PROJECTS = ['temporal', 'alone', 'plain'];

/** Of a clean checkout nothing is known of how long its tests take, and vitest goes by their sizes. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return sorted.sort((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId, project }: TestSpecification): number {
  return 2 * PROJECTS.indexOf(project.name) + (LONG.test(moduleId) ? 0 : 1);
}
