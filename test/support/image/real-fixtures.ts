import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const WITHIN = join('shared', 'fixtures', 'real');

/** Folder of real files of other tools that are not part of this repository: `LONGHAUL_REAL_FIXTURES`, or `shared/fixtures/real` in a folder above
 *  it. null: they are not here, and the tests that need them are counted as skipped. */
export const REAL_FIXTURES = findFixtures();

function findFixtures(): string | null {
  const given = process.env['LONGHAUL_REAL_FIXTURES'];
  if (given !== undefined) return given;
  let folder = dirname(fileURLToPath(import.meta.url));
  while (folder !== dirname(folder)) {
    if (existsSync(join(folder, WITHIN))) return join(folder, WITHIN);
    folder = dirname(folder);
  }
  return null;
}
