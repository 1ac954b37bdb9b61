import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { MemoryBytes } from './byte-files.js';
import { REAL_FIXTURES } from './real-fixtures.js';

const OWN = fileURLToPath(new URL('../../fixtures', import.meta.url));

/** For `it.skipIf(!hasRealImage(…))`: without the file the test is counted as skipped.
 *  @param path below `real/` of the shared fixtures */
export function hasRealImage(path: string): boolean {
  return REAL_FIXTURES !== null && existsSync(join(REAL_FIXTURES, path));
}

export function realImage(path: string): MemoryBytes {
  return unpacked(join(REAL_FIXTURES!, path));
}

/** An image of `test/fixtures`. */
export function fixtureImage(path: string): MemoryBytes {
  return unpacked(join(OWN, path));
}

function unpacked(path: string): MemoryBytes {
  const bytes = readFileSync(path);
  return path.endsWith('.gz')
    ? new MemoryBytes(gunzipSync(bytes), path.replace(/\.gz$/, ''))
    : new MemoryBytes(bytes, path);
}
