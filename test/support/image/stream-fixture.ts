import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** What zfs send and dump wrote (`make-streams.sh`). */
export function streamFixture(name: string): Buffer {
  const at = new URL(`../../fixtures/streams/${name}.gz`, import.meta.url);
  return gunzipSync(readFileSync(at));
}
