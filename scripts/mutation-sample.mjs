import { createHash } from 'node:crypto';
import { basename } from 'node:path';

/** Of 100 changes about `percent` are drawn, the same ones in each run as long as the file is the same.
 *  @param {{ fileName: string, replacement?: string, location: unknown }} change
 *  @param {number} percent
 *  @returns {boolean} */
export function isDrawn({ fileName, location, replacement }, percent) {
  const place = JSON.stringify([basename(fileName), location, replacement]);
  const drawn = createHash('sha256').update(place).digest().readUInt32BE() / 2 ** 32;
  return drawn * 100 < percent;
}

/** Lets Stryker pass over what is not drawn. JavaScript, because Stryker loads it in a process of its own. */
class Sample {
  static inject = ['options'];

  /** @param {{ samplePercent: number }} options */
  constructor({ samplePercent }) {
    this.percent = samplePercent;
  }

  async init() {}

  /** @param {readonly { id: string, fileName: string, replacement: string, location: unknown }[]} mutants */
  async check(mutants) {
    return Object.fromEntries(
      mutants.map((mutant) => [
        mutant.id,
        isDrawn(mutant, this.percent)
          ? { status: 'passed' }
          : { status: 'compileError', reason: 'not drawn' },
      ]),
    );
  }

  /** All at once.
   *  @param {readonly { id: string }[]} mutants */
  async group(mutants) {
    return [mutants.map(({ id }) => id)];
  }
}

export const strykerPlugins = [{ kind: 'Checker', name: 'sample', injectableClass: Sample }];
